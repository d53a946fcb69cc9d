// All networks in one picture and one table.
"use strict";

{
  const { write } = window.CaseStudies;

  /** The Pareto front: the rows that no other row beats by price and accuracy together, cheapest first. */
  const front = (rows, price) => {
    const beats = (one, other) =>
      one[price] <= other[price] &&
      one.accuracy >= other.accuracy &&
      (one[price] < other[price] || one.accuracy > other.accuracy);
    return rows.filter((row) => !rows.some((other) => beats(other, row))).sort((a, b) => a[price] - b[price]);
  };

  /** The places of the rows in the order of a column, equals as they came or, downwards, the other way round. */
  const sorted = (rows, column, up) => {
    const order = [...rows.keys()].sort((i, j) => {
      const [a, b] = [rows[i][column], rows[j][column]];
      return a < b ? -1 : a > b ? 1 : i - j;
    });
    return up ? order : order.reverse();
  };

  /** What the picture shows: `at` has the price, the families, and the place of the row that is pointed at, or null. */
  const picture = (given, at) => {
    const { rows, y } = given;
    const { label, x, ticks } = given.prices[at.price];
    const seen = rows.map((row) => at.families.includes(row.family));
    const best = front(
      rows.filter((_, place) => seen[place]),
      at.price,
    );
    const corners = best.map((row) => rows.indexOf(row)).map((place) => `${x[place]},${y[place]}`);
    const display = (shown) => (shown ? "inline" : "none");
    return {
      best,
      seen,
      changes: {
        ".dot": rows.map((row, place) => ({
          cx: x[place],
          r: place === at.pointed ? 8 : 5,
          "stroke-width": best.includes(row) ? 2 : 0,
          display: display(seen[place]),
        })),
        ".front": [{ d: corners.length > 0 ? `M${corners.join(" L")}` : "" }],
        ".tick": ticks.map(([place, text]) => ({ x: place, text, display: display(text) })),
        ".axis": [{ text: label }],
        svg: [{ "aria-label": given.alt.join(label) }],
      },
    };
  };

  /** What is said: the front, or the network pointed at, in the picture with all that lie under it. */
  const said = ({ rows, prices, y }, at, { best, seen }) => {
    if (at.pointed === null) {
      return best.length > 0 ? `On the front: ${best.map((row) => row.title).join(", ")}.` : "No network is shown.";
    }
    const { x } = prices[at.price];
    const far = (place) => Math.hypot(x[place] - x[at.pointed], y[place] - y[at.pointed]);
    const near = [...rows.keys()].filter((place) => seen[place] && far(place) < 6);
    const told = at.inPicture ? near : [at.pointed];
    return told.map((place) => rows[place].said).join(". ");
  };

  const show = (given, at) => {
    const drawn = picture(given, at);
    const arrow = at.up ? " ▲" : " ▼";
    return {
      seen: drawn.seen,
      order: sorted(given.rows, at.column, at.up),
      changes: {
        ...drawn.changes,
        "thead th": given.columns.map((column) => ({
          "aria-sort": column !== at.column ? "none" : at.up ? "ascending" : "descending",
        })),
        "thead button span": given.columns.map((column) => ({ text: column === at.column ? arrow : "" })),
        output: [{ text: said(given, at, drawn) }],
      },
    };
  };

  const mount = (box, given) => {
    const at = { column: "year", up: true, pointed: null, inPicture: false };
    const body = box.querySelector("tbody");
    const places = [...body.children].map((line) => [line.querySelector("[data-at]").dataset.at, line]);
    const lines = places.sort(([a], [b]) => a - b).map(([, line]) => line);

    const draw = (changed) => {
      Object.assign(at, changed);
      at.price = box.querySelector("select").value;
      at.families = [...box.querySelectorAll("input:checked")].map((one) => one.value);
      const { seen, order, changes } = show(given, at);
      write(box, changes);
      for (const [place, line] of lines.entries()) {
        line.hidden = !seen[place];
        line.classList.toggle("pointed", place === at.pointed);
      }
      if (order.some((place, line) => body.children[line] !== lines[place])) {
        body.append(...order.map((place) => lines[place]));
      }
    };

    const point = (element) => draw({ pointed: Number(element.dataset.at), inPicture: element.matches(".dot") });

    box.addEventListener("input", () => draw({ pointed: null }));
    box.addEventListener("pointerover", ({ target }) => {
      if (target.closest(".dot")) point(target.closest(".dot"));
    });
    box.addEventListener("click", ({ target }) => {
      const head = target.closest("thead button");
      const row = target.closest(".dot, tbody tr");
      if (head) {
        const up = head.value === at.column ? !at.up : head.value === "title";
        draw({ column: head.value, up, pointed: null });
      } else if (row) {
        point(row.querySelector("button") ?? row);
      }
    });
  };

  window.CaseStudies.compare = { front, sorted, show, mount };
}
