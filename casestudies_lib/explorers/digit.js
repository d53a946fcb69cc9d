// LeNet-5 in the page: its forward pass, the pad that a reader draws on, and the maps of its layers.
"use strict";

{
  const { write } = window.CaseStudies;

  const decoded = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  /** A network's layers with the weights of each filter as numbers: whole numbers of eight bits times a scale. */
  const unpacked = (layers) =>
    layers.map((layer) => {
      if (layer.kind !== "conv") return layer;
      const rows = layer.filters.flatMap(({ bytes, scales }) => {
        const steps = new Int8Array(decoded(bytes).buffer);
        const each = steps.length / scales.length;
        const row = (scale, at) => Float32Array.from(steps.subarray(at * each, (at + 1) * each), (step) => step * scale);
        return scales.map(row);
      });
      return { ...layer, rows };
    });

  const squashed = (scaled) => (scaled ? (a) => 1.7159 * Math.tanh((2 / 3) * a) : Math.tanh);

  // What each kind of layer makes of maps, `{maps, side, values}`: values map by map, each row by row.
  const KINDS = {
    /** A filter for each output map, over all input maps or those that it reads; a linear layer is one of size 1. */
    conv: ({ size, rows, bias, reads }, { maps, side, values }) => {
      const every = Array.from({ length: maps }, (_, map) => map);
      const less = side - size + 1;
      const made = new Float64Array(rows.length * less * less);
      for (const [out, row] of rows.entries()) {
        const start = out * less * less;
        made.fill(bias[out], start, start + less * less);
        let place = 0;
        for (const map of reads?.[out] ?? every) {
          for (let tap = 0; tap < size * size; tap++) {
            const weight = row[place++];
            const from = map * side * side + Math.floor(tap / size) * side + (tap % size);
            for (let y = 0; y < less; y++) {
              for (let x = 0; x < less; x++) made[start + y * less + x] += weight * values[from + y * side + x];
            }
          }
        }
      }
      return { maps: rows.length, side: less, values: made };
    },

    /** The mean of 2 × 2 neighbours; in 1998 their sum times a coefficient, plus a bias, squashed. */
    pool: ({ coefficient, bias }, { maps, side, values }) => {
      const half = side / 2;
      const squash = squashed(true);
      const made = new Float64Array(maps * half * half);
      for (let map = 0; map < maps; map++) {
        for (let y = 0; y < half; y++) {
          for (let x = 0; x < half; x++) {
            const at = map * side * side + 2 * y * side + 2 * x;
            const sum = values[at] + values[at + 1] + values[at + side] + values[at + side + 1];
            made[map * half * half + y * half + x] = coefficient ? squash(coefficient[map] * sum + bias[map]) : sum / 4;
          }
        }
      }
      return { maps, side: half, values: made };
    },

    squash: ({ scaled }, { maps, side, values }) => ({ maps, side, values: values.map(squashed(scaled)) }),

    /** Minus the squared distance to each bitmap. */
    distances: ({ codes }, { values }) => {
      const far = (code) => code.reduce((sum, ink, at) => sum + (values[at] - ink) ** 2, 0);
      return { maps: codes.length, side: 1, values: Float64Array.from(codes, (code) => -far(code)) };
    },
  };

  /** What every layer makes of an image of 32 × 32: the image itself, then `{name, kind, maps, side, values}` of each. */
  const forward = (layers, image) => {
    const steps = [{ name: "input", kind: "image", maps: 1, side: 32, values: image }];
    for (const layer of layers) {
      const { name, kind } = layer;
      steps.push({ name, kind, ...KINDS[kind](layer, steps.at(-1)) });
    }
    return steps;
  };

  const softmax = (logits) => {
    const most = Math.max(...logits);
    const powers = Array.from(logits, (logit) => Math.exp(logit - most));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  };

  /** How much of each pixel goes into each of `fewer` that replace them: `[pixel, share]` in lists. */
  const means = (pixels, fewer) =>
    Array.from({ length: fewer }, (_, at) => {
      const [from, to] = [(at * pixels) / fewer, ((at + 1) * pixels) / fewer];
      const shares = [];
      for (let pixel = Math.floor(from); pixel < Math.min(to, pixels); pixel++) {
        shares.push([pixel, ((Math.min(to, pixel + 1) - Math.max(from, pixel)) * fewer) / pixels]);
      }
      return shares;
    });

  /** Where a row of pixels begins among 28 so that its centre of mass is nearest to pixel 14; a tie goes up. */
  const place = (ink) => {
    const sum = ink.reduce((total, value) => total + value, 0);
    const mass = ink.reduce((total, value, at) => total + value * at, 0) / sum;
    return Math.min(Math.max(Math.floor(14.5 - mass + 1e-6), 0), 28 - ink.length);
  };

  /** A drawing, prepared as MNIST's makers prepared their scans: 28 × 28 values; null if there is no ink on it. */
  const centred = (drawing, wide) => {
    const tall = drawing.length / wide;
    let [top, bottom, left, right] = [tall, -1, wide, -1];
    for (let y = 0; y < tall; y++) {
      for (let x = 0; x < wide; x++) {
        if (drawing[y * wide + x] > 0) {
          [top, bottom, left, right] = [Math.min(top, y), y, Math.min(left, x), Math.max(right, x)];
        }
      }
    }
    if (bottom < 0) return null;
    const [height, width] = [bottom - top + 1, right - left + 1];
    const fitted = (side) => Math.max(1, Math.floor((20 * side) / Math.max(height, width) + 0.5));
    const columns = means(width, fitted(width));
    const narrow = (y) =>
      columns.map((shares) => shares.reduce((sum, [x, share]) => sum + share * drawing[y * wide + left + x], 0));
    const lines = Array.from({ length: height }, (_, y) => narrow(top + y));
    const small = means(height, fitted(height)).map((shares) =>
      columns.map((_, x) => shares.reduce((sum, [y, share]) => sum + share * lines[y][x], 0)),
    );
    const total = (line) => line.reduce((sum, value) => sum + value, 0);
    const down = place(small.map(total));
    const across = place(columns.map((_, x) => total(small.map((line) => line[x]))));
    const whole = new Float64Array(28 * 28);
    for (const [y, line] of small.entries()) whole.set(line, (down + y) * 28 + across);
    return whole;
  };

  /** A digit of 28 × 28 values from 0 to 1 in its border, as the networks saw it in training. */
  const standardised = (digit, [low, high]) => {
    const image = new Float64Array(32 * 32).fill(low);
    for (const [at, ink] of digit.entries()) {
      image[(Math.floor(at / 28) + 2) * 32 + (at % 28) + 2] = low + (high - low) * ink;
    }
    return image;
  };

  const percent = (share) => (share > 0.995 ? ">99%" : share < 0.005 ? "<1%" : `${Math.floor(100 * share + 0.5)}%`);

  const a = (digit) => (digit === 8 ? `an ${digit}` : `a ${digit}`);

  const said = (shares) => {
    const [first, second] = [...shares.keys()].sort((i, j) => shares[j] - shares[i]);
    return `Reads ${a(first)} (${percent(shares[first])}), next ${a(second)} (${percent(shares[second])}).`;
  };

  /** What the page says of the shares, or of an empty pad; `label` is that of a test digit, or null. */
  const show = (given, { variant, shares, label }) => {
    const most = shares ? Math.max(...shares) : 1;
    const known = label === null ? "" : `This test digit is ${a(label)}. `;
    const bars = shares ?? Array.from({ length: 10 }, () => 0);
    return {
      ".share": bars.map((share) => ({ class: share === most ? "share most" : "share" })),
      ".share .bar": bars.map((share) => ({ style: { width: `${Math.floor(100 * share + 0.5)}%` } })),
      ".share span:last-child": bars.map((share) => ({ text: shares ? percent(share) : "–" })),
      ".means": [{ text: given.means[variant] }],
      output: [{ text: shares ? known + said(shares) : "The pad is empty: draw a digit." }],
    };
  };

  /** Draw maps side by side, `across` of them in a row, from black at `low` to white at `high`. */
  const paint = (canvas, { maps, side, values }, across, [low, high]) => {
    const gap = Math.ceil(side / 15) * (side > 1 && maps > 1);
    const [wide, tall] = [across, Math.ceil(maps / across)].map((count) => count * (side + gap) - gap);
    const picture = new ImageData(wide, tall);
    for (const [at, value] of values.entries()) {
      const [map, y, x] = [Math.floor(at / side ** 2), Math.floor((at % side ** 2) / side), at % side];
      const pixel = ((Math.floor(map / across) * (side + gap) + y) * wide + (map % across) * (side + gap) + x) * 4;
      picture.data.fill((255 * (value - low)) / (high - low), pixel, pixel + 3);
      picture.data[pixel + 3] = 255;
    }
    Object.assign(canvas, { width: wide, height: tall });
    canvas.getContext("2d").putImageData(picture, 0, 0);
  };

  // Where an arrow key moves the pen.
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  const mount = (box, given) => {
    const pad = box.querySelector(".pad canvas");
    const point = box.querySelector(".point");
    const side = pad.width;
    const context = pad.getContext("2d", { willReadFrequently: true });
    Object.assign(context, { lineCap: "round", lineWidth: given.brush });
    const networks = Object.fromEntries(Object.entries(given.networks).map(([name, all]) => [name, unpacked(all)]));
    const scans = decoded(given.digits.bytes);
    const pen = { x: side / 2, y: side / 2, down: false, pointer: null };
    const held = new Set();
    let [offered, label, waiting] = [0, null, false];

    const canvases = Object.fromEntries(
      [...box.querySelectorAll("[data-layer]")].map((figure) => {
        const canvas = document.createElement("canvas");
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", figure.querySelector("figcaption").textContent);
        figure.querySelector(".maps").replaceChildren(canvas);
        return [figure.dataset.layer, canvas];
      }),
    );

    /** Light up the maps of each layer, or put them out; in 1998 also the bitmap that is nearest. */
    const light = (variant, steps, shares) => {
      const bitmaps = variant === "1998";
      const seen = {};
      let name;
      for (const step of steps) {
        name = step.kind === "squash" ? name : step.name;
        seen[name] = step;
      }
      for (const [layer, across] of given.layers) {
        const bound = seen[layer].values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        paint(canvases[layer], seen[layer], across, layer === "input" ? given.pixels : [-bound, bound]);
        canvases[layer].style.visibility = shares ? "visible" : "hidden";
      }
      box.querySelector("[data-layer=bitmap]").hidden = !(bitmaps && shares);
      if (bitmaps && shares) {
        const nearest = given.networks[variant].at(-1).codes[shares.indexOf(Math.max(...shares))];
        paint(canvases.bitmap, { maps: nearest.length, side: 1, values: nearest }, 7, [-1, 1]);
      }
    };

    const read = () => {
      waiting = false;
      const variant = box.querySelector("select").value;
      const { data } = context.getImageData(0, 0, side, side);
      const ink = new Float64Array(side * side);
      for (let at = 0; at < ink.length; at++) ink[at] = data[4 * at + 3] / 255;
      const digit = centred(ink, side);
      const image = standardised(digit ?? new Float64Array(28 * 28), given.pixels);
      const steps = forward(networks[variant], image);
      const shares = digit && softmax(steps.at(-1).values);
      light(variant, steps, shares);
      write(box, show(given, { variant, shares, label }));
    };

    /** Read what is on the pad when the page is drawn next, once for all that happens until then. */
    const soon = () => {
      if (!waiting) requestAnimationFrame(read);
      waiting = true;
    };

    const lift = (down) => {
      pen.down = down;
      point.classList.toggle("down", down);
      write(box, { ".pen": [{ text: down ? "down" : "up" }] });
    };

    const wipe = () => {
      context.clearRect(0, 0, side, side);
      label = null;
    };

    /** Move the pen, which leaves ink where it is down; a test digit on the pad makes room for a drawing. */
    const move = (x, y, inks) => {
      if (inks && label !== null) wipe();
      if (inks) {
        context.beginPath();
        context.moveTo(pen.x, pen.y);
        context.lineTo(x + 0.01, y); // a dot is a very short line
        context.stroke();
        soon();
      }
      Object.assign(pen, { x, y });
      Object.assign(point.style, { left: `${(100 * x) / side}%`, top: `${(100 * y) / side}%` });
    };

    /** Put one of the test digits on the pad, ten by ten pixels for each of its own. */
    const offer = (number) => {
      const picture = new ImageData(side, side);
      const wide = side / 28;
      for (let at = 0; at < side * side; at++) {
        const [y, x] = [Math.floor(at / side / wide), Math.floor((at % side) / wide)];
        picture.data[4 * at + 3] = scans[number * 28 * 28 + y * 28 + x];
      }
      context.putImageData(picture, 0, 0);
      label = given.digits.labels[number];
    };

    const at = ({ clientX, clientY }) => {
      const { left, top, width, height } = pad.getBoundingClientRect();
      return [((clientX - left) * side) / width, ((clientY - top) * side) / height];
    };

    pad.addEventListener("pointerdown", (event) => {
      if (pen.pointer !== null || event.button !== 0) return;
      pad.setPointerCapture(event.pointerId);
      pen.pointer = event.pointerId;
      move(...at(event), false);
      move(pen.x, pen.y, true);
    });
    pad.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pen.pointer) return;
      const between = event.getCoalescedEvents?.() ?? [];
      for (const one of between.length > 0 ? between : [event]) move(...at(one), true);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      pad.addEventListener(end, (event) => {
        if (event.pointerId === pen.pointer) pen.pointer = null;
      });
    }

    const clear = () => {
      wipe();
      lift(false);
      read();
    };

    pad.addEventListener("keydown", (event) => {
      const { key, ctrlKey, altKey, metaKey, repeat } = event;
      if (ctrlKey || altKey || metaKey || !(key in ARROWS || key === " " || key === "Escape")) return;
      event.preventDefault();
      event.stopPropagation(); // what is around the explorer may turn pages with these keys
      if (key === "Escape") clear();
      else if (key === " " && !repeat) {
        lift(!pen.down);
        if (pen.down) move(pen.x, pen.y, true);
      } else if (key in ARROWS) {
        held.add(key);
        const within = (where) => Math.min(Math.max(where, 0), side);
        const step = (axis) => [...held].reduce((sum, one) => sum + ARROWS[one][axis], 0) * 10;
        move(within(pen.x + step(0)), within(pen.y + step(1)), pen.down);
      }
    });
    pad.addEventListener("keyup", ({ key }) => held.delete(key));
    pad.addEventListener("blur", () => held.clear());

    box.addEventListener("click", ({ target }) => {
      if (target.value === "clear") clear();
      if (target.value === "digit") {
        offered = (offered + 1) % given.digits.labels.length;
        lift(false);
        offer(offered);
        read();
      }
    });
    box.addEventListener("input", read);

    box.querySelector(".without").remove();
    offer(0);
    read();
  };

  window.CaseStudies.digit = { unpacked, forward, softmax, centred, standardised, percent, said, show, mount };
}
