// The page of claims, narrowed to what a reader looks for; the address keeps it, so that a list can be linked.
addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector(".all-claims");
  const entries = [...document.querySelectorAll(".entry")];
  const words = entries.map((entry) => entry.textContent.toLowerCase());
  const sections = [...new Set(entries.map((entry) => entry.closest("section")))];
  const asked = new URLSearchParams(location.search);

  const titled = (title, control) => {
    const label = document.createElement("label");
    label.append(title, control);
    return label;
  };
  const form = document.createElement("form");
  form.className = "filters";
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Claims");
  const search = document.createElement("input");
  Object.assign(search, { type: "search", name: "words", value: asked.get("words") ?? "", autocomplete: "off" });
  form.append(titled("Words", search));
  const choices = ["verdict", "network", "page", "proof"].map((name) => {
    const select = document.createElement("select");
    select.name = name;
    select.append(new Option("all", ""));
    const values = new Map(entries.filter((entry) => entry.dataset[name]).map((entry) => [entry.dataset[name], 0]));
    const order = place.dataset[name]?.split("|").filter((value) => values.has(value)) ?? [...values.keys()];
    for (const value of order) select.append(new Option(value, value));
    select.value = asked.get(name) ?? "";
    if (select.selectedIndex < 0) select.value = "";
    form.append(titled(name[0].toUpperCase() + name.slice(1), select));
    return select;
  });
  const again = document.createElement("button");
  Object.assign(again, { type: "button", textContent: "Show all" });
  const count = document.createElement("output");
  form.append(again, count);

  const fits = (entry, number, but) => {
    const sought = search.value.toLowerCase().split(/\s+/);
    return sought.every((word) => words[number].includes(word)) &&
      choices.every((select) => select === but || !select.value || entry.dataset[select.name] === select.value);
  };

  const narrow = () => {
    let shown = 0;
    for (const [number, entry] of entries.entries()) {
      entry.hidden = !fits(entry, number);
      shown += !entry.hidden;
    }
    for (const section of sections) section.hidden = !section.querySelector(".entry:not([hidden])");
    for (const select of choices) { // how many each choice would show
      const found = entries.filter((entry, number) => fits(entry, number, select));
      for (const option of select.options) {
        const many = option.value ? found.filter((entry) => entry.dataset[select.name] === option.value).length : found.length;
        option.textContent = `${option.value || "all"} (${many})`;
      }
    }
    count.textContent = `${shown} of ${entries.length} claims shown.`;
    const state = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    history.replaceState(null, "", `${location.pathname}${`${state}` && `?${state}`}${location.hash}`);
  };

  form.addEventListener("input", narrow);
  form.addEventListener("submit", (event) => event.preventDefault());
  again.addEventListener("click", () => {
    for (const control of [search, ...choices]) control.value = "";
    narrow();
  });
  place.append(form);
  narrow();
});
