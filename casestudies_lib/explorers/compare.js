// All networks in one picture and one table.
"use strict";

{
  const { signed, stand, write } = window.CaseStudies;

  /** The Pareto front: the rows that no other row beats by price and accuracy together, cheapest first. */
  const front = (rows, price) => {
    const beats = (one, other) =>
      one[price] <= other[price] &&
      one.accuracy >= other.accuracy &&
      (one[price] < other[price] || one.accuracy > other.accuracy);
    return rows.filter((row) => !rows.some((other) => beats(other, row))).sort((a, b) => a[price] - b[price]);
  };

  /** The rows that keep to a budget of MACs, in billions, and of memory for the weights. */
  const within = (rows, { gigamacs, megabytes }, bytes) =>
    rows.filter((row) => row.macs <= gigamacs * 1e9 && bytes * row.parameters <= megabytes * 1e6);

  /** What a budget buys: the most accurate of the rows within it, of equals the one with the fewest MACs. */
  const buys = (rows, at, bytes) => {
    const budget = `${at.gigamacs} billion MACs and ${at.megabytes} MB`;
    const [best] = within(rows, at, bytes).sort((a, b) => b.accuracy - a.accuracy || a.macs - b.macs);
    return best ? `${budget} buy ${best.title}, ${best.accuracy}%.` : `No network fits into ${budget}.`;
  };

  /** The places of the rows in the order of a column, equals as they came or, downwards, the other way round. */
  const sorted = (rows, column, up) => {
    const order = [...rows.keys()].sort((i, j) => {
      const [a, b] = [rows[i][column], rows[j][column]];
      return a < b ? -1 : a > b ? 1 : i - j;
    });
    return up ? order : order.reverse();
  };

  /** What the picture shows: `at` has price, families, budget, and the place of the row that is pointed at, or null. */
  const picture = (given, at) => {
    const { rows, y } = given;
    const { label, x, ticks } = given.prices[at.price];
    const shown = rows.map((row) => at.families.includes(row.family));
    const fitting = within(rows, at, given.bytes);
    const seen = rows.map((row, place) => shown[place] && fitting.includes(row));
    const best = front(
      rows.filter((_, place) => seen[place]),
      at.price,
    );
    const corners = best.map((row) => rows.indexOf(row)).map((place) => `${x[place]},${y[place]}`);
    const display = (there) => (there ? "inline" : "none");
    return {
      best,
      shown,
      seen,
      changes: {
        ".dot": rows.map((row, place) => ({
          cx: x[place],
          r: place === at.pointed ? 8 : 5,
          "stroke-width": best.includes(row) ? 2 : 0,
          display: display(shown[place]),
          opacity: fitting.includes(row) ? 1 : given.faded,
        })),
        ".front": [{ d: corners.length > 0 ? `M${corners.join(" L")}` : "" }],
        ".tick": ticks.map(([place, text]) => ({ x: place, text, display: display(text) })),
        ".axis": [{ text: label }],
        svg: [{ "aria-label": given.alt.join(label) }],
      },
    };
  };

  /** What is said: the front, or the network pointed at, in the picture with all that lie under it. */
  const said = ({ rows, prices, y }, at, { best, shown }) => {
    if (at.pointed === null) {
      return best.length > 0 ? `On the front: ${best.map((row) => row.title).join(", ")}.` : "No network is shown.";
    }
    const { x } = prices[at.price];
    const far = (place) => Math.hypot(x[place] - x[at.pointed], y[place] - y[at.pointed]);
    const near = [...rows.keys()].filter((place) => shown[place] && far(place) < 6);
    const told = at.inPicture ? near : [at.pointed];
    return told.map((place) => rows[place].said).join(". ");
  };

  const show = (given, at) => {
    const drawn = picture(given, at);
    const arrow = at.up ? " ▲" : " ▼";
    const stands = [at.gigamacs, at.megabytes].map(signed);
    const kept = given.rows.filter((row) => at.families.includes(row.family));
    return {
      seen: drawn.seen,
      order: sorted(given.rows, at.column, at.up),
      changes: {
        ...drawn.changes,
        "thead th": given.columns.map((column) => ({
          "aria-sort": column !== at.column ? "none" : at.up ? "ascending" : "descending",
        })),
        "thead button span": given.columns.map((column) => ({ text: column === at.column ? arrow : "" })),
        "input[type=range]": stands.map((text) => ({ "aria-valuetext": text })),
        ".stand": stands.map((text) => ({ text })),
        ".buys": [{ text: buys(kept, at, given.bytes) }],
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
      Object.assign(at, changed, stand(box));
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
