// What a reader does on a page: looks at the proof behind a mark, predicts, checks numbers. Nothing leaves the browser.
(() => {
  const made = (name, kind, ...inside) => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    element.append(...inside);
    return element;
  };

  // Proof, one click behind. Without a script a mark is a link to its card.
  const goal = (link) => document.getElementById(decodeURIComponent(link.hash.slice(1)));
  const box = made("div", "proof");
  const ROOM = 270; // pixels that a note beside the text needs
  let open = null, pinned = false, returning = false, timer;

  const hide = () => {
    clearTimeout(timer);
    if (!open) return;
    const link = open, inside = box.contains(document.activeElement);
    open = null;
    pinned = false;
    link.setAttribute("aria-expanded", "false");
    box.hidden = true;
    returning = inside;
    if (inside) link.focus();
    returning = false;
  };

  const later = (what, wait) => {
    clearTimeout(timer);
    timer = setTimeout(what, wait);
  };

  const settle = (link) => {
    const block = link.closest("p, li, td, figcaption, div").getBoundingClientRect();
    const room = document.documentElement.clientWidth - block.right - 32;
    box.classList.toggle("sheet", room < ROOM);
    box.removeAttribute("style");
    if (room >= ROOM) { // beside the text, of which it covers nothing
      const top = Math.min(link.getBoundingClientRect().top - 12, innerHeight - box.offsetHeight - 16);
      box.style.left = `${block.right + 20 + scrollX}px`;
      box.style.width = `${Math.min(room, 340)}px`;
      box.style.top = `${Math.max(top, 64) + scrollY}px`;
    } else { // at the bottom; the mark and the line below it stay in sight
      const hidden = link.getBoundingClientRect().bottom + 48 - (innerHeight - box.offsetHeight);
      if (hidden > 0) scrollBy({ top: hidden });
    }
  };

  const unfold = (target) => {
    for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target?.scrollIntoView({ block: "center" });
  };

  const show = (link, pin) => {
    clearTimeout(timer);
    if (open !== link) {
      hide();
      const card = goal(link).cloneNode(true);
      card.removeAttribute("id");
      for (const code of card.querySelectorAll("details")) code.remove();
      const more = made("a", "more", "In the checks of this page, with its code");
      more.href = link.hash;
      more.addEventListener("click", () => {
        const target = goal(link);
        box.hidden = true;
        hide();
        unfold(target);
      });
      const close = made("button", "close", "Close");
      close.type = "button";
      close.addEventListener("click", hide);
      box.replaceChildren(card, made("div", "way", more, close));
      box.setAttribute("aria-label", link.getAttribute("aria-label"));
      box.hidden = false;
      open = link;
      link.setAttribute("aria-expanded", "true");
      settle(link);
    }
    pinned ||= pin;
  };

  const proofs = () => {
    box.id = "proof";
    box.hidden = true;
    box.tabIndex = -1;
    box.setAttribute("role", "dialog");
    document.body.append(box);
    const leave = () => later(() => pinned || hide(), 300);
    for (const link of document.querySelectorAll("a.proof-mark")) {
      if (!goal(link)) continue;
      link.setAttribute("aria-expanded", "false");
      link.setAttribute("aria-controls", box.id);
      link.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && !pinned && later(() => show(link, false), 120));
      link.addEventListener("pointerleave", leave);
      link.addEventListener("focus", () => link.matches(":focus-visible") && open !== link && !returning && show(link, false));
      link.addEventListener("blur", leave);
      link.addEventListener("click", (event) => {
        event.preventDefault();
        if (open === link && pinned) hide();
        else {
          show(link, true);
          if (event.detail === 0) box.focus(); // a keyboard or a screen reader: there is something to read
        }
      });
    }
    box.addEventListener("pointerenter", () => clearTimeout(timer));
    box.addEventListener("pointerleave", leave);
    box.addEventListener("keydown", (event) => {
      const end = event.shiftKey ? box : box.querySelector(".close");
      if (event.key === "Tab" && document.activeElement === end) hide(); // the focus goes on from the mark
    });
    addEventListener("keydown", (event) => event.key === "Escape" && hide());
    addEventListener("resize", hide);
    addEventListener("pointerdown", (event) => open && !box.contains(event.target) && event.target.closest("a.proof-mark") !== open && hide());
    const go = () => location.hash && goal(location)?.closest("details") && unfold(goal(location));
    addEventListener("hashchange", go);
    go();
  };

  // Predictions: kept on this device, where that is allowed, under the page and the question.
  const kept = new Map();
  const name = (key) => `prediction:${location.pathname}:${key}`;
  const recall = (key) => {
    try {
      return localStorage.getItem(name(key)) ?? kept.get(key);
    } catch {
      return kept.get(key);
    }
  };
  const keep = (key, choice) => {
    kept.set(key, choice);
    try {
      localStorage.setItem(name(key), choice);
    } catch {
      // Then it is kept until the page is left.
    }
  };

  const predictions = () => {
    const choices = new Map();
    const meet = (key) => {
      const choice = recall(key);
      for (const answer of document.querySelectorAll(".answer[data-answers]")) {
        const words = choices.get(key)?.[choice];
        if (answer.dataset.answers !== key || words === undefined) continue;
        const right = answer.dataset.right === choice;
        const said = answer.querySelector(".said") ?? made("p", "said");
        said.textContent = `You predicted “${words}”${right ? ", and that is right." : ". It is otherwise:"}`;
        answer.dataset.met = right ? "right" : "otherwise";
        answer.prepend(said);
      }
    };
    for (const question of document.querySelectorAll(".ask .question[data-ask]")) {
      const key = question.dataset.ask, items = [...question.querySelectorAll("li")];
      choices.set(key, items.map((item) => item.textContent.trim()));
      const status = made("output", "kept");
      const tell = () => {
        status.textContent = items[recall(key)] ? "Kept. The page answers below." : "";
        meet(key);
      };
      const set = made("fieldset", "", made("legend", "", ...question.querySelector("p").childNodes));
      for (const [place, item] of items.entries()) {
        const input = made("input");
        Object.assign(input, { type: "radio", name: name(key), value: place, checked: recall(key) === `${place}` });
        input.addEventListener("change", () => {
          keep(key, input.value);
          tell();
        });
        set.append(made("label", "", input, made("span", "", ...item.childNodes)));
      }
      set.append(status);
      question.replaceChildren(set);
      tell();
    }
  };

  // Exercises with whole numbers as answers; thousands separators are no mistake.
  const number = (typed) => {
    const digits = typed.trim().replace(/^[−–]/, "-").replace(/(?<=\d)[\s,.'’_](?=\d{3}(?!\d))/g, "");
    return /^-?\d+$/.test(digits) ? Number(digits) : NaN;
  };

  const numbers = () => {
    for (const [which, list] of document.querySelectorAll("ol.numbers").entries()) {
      const items = [...list.querySelectorAll("li[data-wants]")];
      const fields = items.map((item, place) => {
        const words = item.querySelector("span"), field = made("input");
        words.id = `numbers-${which}-${place}`;
        Object.assign(field, { type: "text", inputMode: "numeric", size: 12, autocomplete: "off" });
        field.setAttribute("aria-labelledby", words.id);
        words.after(field);
        item.querySelector("details").hidden = true; // until the reader has tried
        return field;
      });
      const button = made("button", "", "Check"), result = made("output");
      button.type = "button";
      const check = () => {
        const typed = fields.map((field) => field.value.trim() !== "");
        const right = fields.map((field, place) => number(field.value) === Number(items[place].dataset.wants));
        for (const [place, field] of fields.entries()) {
          field.setAttribute("aria-invalid", `${typed[place] && !right[place]}`);
          items[place].dataset.right = `${right[place]}`;
        }
        const many = right.filter(Boolean).length;
        if (!typed.some(Boolean)) result.textContent = "Write your numbers first.";
        else if (many === fields.length) result.textContent = fields.length > 1 ? `✓ All ${many} are right.` : "✓ Right.";
        else {
          result.textContent = `${many} of ${fields.length} ${many === 1 ? "is" : "are"} right. ${list.dataset.hint}`;
          for (const item of items) item.querySelector("details").hidden = false;
        }
      };
      button.addEventListener("click", check);
      for (const field of fields) field.addEventListener("keydown", (event) => event.key === "Enter" && check());
      list.after(made("div", "marked", button, result));
    }
  };

  // What a large explorer works with is a file of its own (tools/later.py): it is fetched when the reader comes near.
  const bring = (place) => {
    const script = Object.assign(made("script"), { src: place.dataset.from });
    const without = place.querySelector(".without");
    if (without) without.hidden = true;
    script.addEventListener("load", () => {
      place.dataset.given = window.CaseStudies.brought;
      place.dataset.explorer = place.dataset.brings;
      window.CaseStudies.mount();
    });
    script.addEventListener("error", () => {
      script.remove();
      place.prepend(made("p", "without", "This picture could not be loaded. Please reload the page."));
    });
    document.head.append(script);
  };

  const arrivals = () => {
    const near = new IntersectionObserver((seen) => {
      for (const { target } of seen.filter(({ isIntersecting }) => isIntersecting)) {
        near.unobserve(target);
        bring(target);
      }
    }, { rootMargin: "1000px" });
    for (const place of document.querySelectorAll("[data-brings]")) near.observe(place);
  };

  // What copies code (tools/lean.py keeps its addresses) is fetched when some code comes near.
  const copies = () => {
    const near = new IntersectionObserver((seen) => {
      if (!seen.some(({ isIntersecting }) => isIntersecting)) return;
      near.disconnect();
      for (const src of document.body.dataset.copies.split(" ")) {
        document.head.append(Object.assign(made("script"), { src, async: false })); // one after the other
      }
    }, { rootMargin: "1000px" });
    for (const code of document.querySelectorAll("[data-copies] .highlight")) near.observe(code);
  };

  // A formula that is wider than a phone scrolls, also by keyboard.
  addEventListener("load", () => {
    for (const formula of document.querySelectorAll(".formula")) if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
  });

  // The theme's buttons, whose handlers may not stand in the page (tools/policy.py).
  const DOES = { print: () => print(), fullscreen: () => window.toggleFullScreen() };
  const buttons = () => {
    for (const button of document.querySelectorAll("[data-does]")) button.addEventListener("click", DOES[button.dataset.does]);
  };

  addEventListener("DOMContentLoaded", () => {
    buttons();
    proofs();
    predictions();
    numbers();
    arrivals();
    copies();
  });
})();
