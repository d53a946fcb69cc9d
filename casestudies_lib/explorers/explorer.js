// What all explorers share. Every output carries its own copy, since a notebook may show each in a frame of its own;
// on a page with several, a later copy defines the same again and mounts only the boxes that no copy has mounted yet.
"use strict";

{
  const mounted = window.CaseStudies?.mounted ?? new WeakSet();

  /** A whole number with thousands separators. */
  const grouped = (number) => number.toLocaleString("en-US");

  /** A number as it is shown, with a true minus. */
  const signed = (number) => String(number).replace("-", "−");

  /** To a digit of which `scale` make one, halves upwards; Python rounds by the same steps. */
  const rounded = (number, scale) => Math.floor(scale * number + 0.5) / scale;

  /** Where the sliders of a box stand: the value of each by its name. */
  const stand = (box) => {
    const sliders = [...box.querySelectorAll("input[type=range]")];
    return Object.fromEntries(sliders.map((slider) => [slider.name, JSON.parse(slider.dataset.values)[slider.value]]));
  };

  /** Give the elements that each selector finds, in order, their text, styles and attributes. */
  const write = (box, changes) => {
    for (const [selector, all] of Object.entries(changes)) {
      const elements = box.querySelectorAll(selector);
      for (const [place, { text, style, ...attributes }] of all.entries()) {
        if (text !== undefined) elements[place].textContent = text;
        Object.assign(elements[place].style, style);
        for (const [name, value] of Object.entries(attributes)) elements[place].setAttribute(name, value);
      }
    }
  };

  /** What a single slider shows: the row that it stands on, all of it worked out in Python. */
  const row = (given, at) => {
    const { text, ...changes } = given[at.row];
    return { ...changes, input: [{ "aria-valuetext": text }], output: [{ text }] };
  };

  /** What several sliders show: beside each, and to screen readers, where it stands; and what `show` makes of them. */
  const rows = (show) => (given, at) => {
    const stands = Object.values(at).map(signed);
    return {
      input: stands.map((text) => ({ "aria-valuetext": text })),
      ".stand": stands.map((text) => ({ text })),
      ...show(given, at),
    };
  };

  /** Show what the sliders of a box say, whenever one of them moves. */
  const listen = (show) => (box, given) => box.addEventListener("input", () => write(box, show(given, stand(box))));

  const mount = () => {
    for (const box of document.querySelectorAll(".explorer")) {
      const explorer = window.CaseStudies[box.dataset.explorer];
      if (explorer && !mounted.has(box)) {
        mounted.add(box);
        explorer.mount(box, JSON.parse(box.dataset.given));
      }
    }
  };

  const shared = { mounted, grouped, signed, rounded, stand, write, rows, listen, mount };
  window.CaseStudies = { ...window.CaseStudies, ...shared, row: { show: row, mount: listen(row) } };
}
