// What a scaled EfficientNet-B0 costs.
"use strict";

{
  const { grouped, rounded, rows, listen } = window.CaseStudies;

  /** A number of channels as a multiple of 8, never less than nine tenths of it. */
  const channels = (wanted) => {
    const near = Math.max(8, 8 * Math.floor((wanted + 4) / 8));
    return near < 0.9 * wanted ? near + 8 : near;
  };

  /**
   * Blocks, channels of the last, pixels, parameters and MACs, by a walk through B0's table: stem, blocks (expand,
   * depthwise, squeeze and excite, project), head. Batch normalisation adds two parameters a channel.
   */
  const counted = (table, { depth_mult, width_mult, resolution }) => {
    let size = Math.ceil(resolution / 2);
    let into = channels(32 * width_mult);
    let blocks = 0;
    let macs = 27 * into * size ** 2;
    let parameters = 29 * into;
    for (const [expand, kernel, stride, base, layers] of table) {
      const out = channels(base * width_mult);
      for (let layer = 0; layer < Math.ceil(layers * depth_mult); layer += 1) {
        const wide = expand * into;
        const squeezed = Math.max(1, Math.floor(into / 4));
        if (expand > 1) {
          macs += into * wide * size ** 2;
          parameters += into * wide + 2 * wide;
        }
        size = Math.ceil(size / (layer === 0 ? stride : 1));
        macs += kernel ** 2 * wide * size ** 2 + 2 * wide * squeezed + wide * out * size ** 2;
        parameters += kernel ** 2 * wide + 2 * wide + 2 * wide * squeezed + squeezed + wide + wide * out + 2 * out;
        into = out;
        blocks += 1;
      }
    }
    const last = 4 * into;
    macs += into * last * size ** 2 + last * 1000;
    parameters += into * last + 2 * last + last * 1000 + 1000;
    return [blocks, into, resolution, parameters, macs];
  };

  /** What the four sliders together make; `rule` has what the compound rule makes of each φ. */
  const combined = (rule, at) => {
    const compound = rule[at.phi];
    return {
      depth_mult: rounded(at.depth * compound.depth_mult, 1e9),
      width_mult: rounded(at.width * compound.width_mult, 1e9),
      resolution: Math.floor(at.resolution * compound.resolution + 0.5),
    };
  };

  const show = (given, at) => {
    const made = combined(given.rule, at);
    const here = counted(given.table, made);
    const times = here[4] / given.base[4];
    const smooth = made.depth_mult * made.width_mult ** 2 * (made.resolution / given.base[2]) ** 2;
    const text =
      `${times.toFixed(2)} times the MACs of B0; depth × width² × resolution² says ${smooth.toFixed(2)}, ` +
      `2 to the power of φ ${(2 ** at.phi).toFixed(2)}.`;
    return {
      ".counts": here.map((count) => ({ text: grouped(count) })),
      ".bar": here.map((count, place) => ({
        style: { width: `${100 * Math.min(1, count / given.most[place])}%` },
      })),
      output: [{ text }],
    };
  };

  /** The button puts every slider back to where it stands in the page's own markup, as a reader would by hand. */
  const mount = (box, given) => {
    listen(rows(show))(box, given);
    box.querySelector("button").addEventListener("click", () => {
      for (const slider of box.querySelectorAll("input[type=range]")) slider.value = slider.defaultValue;
      box.dispatchEvent(new Event("input"));
    });
  };

  window.CaseStudies.scaling = { counted, combined, show, mount };
}
