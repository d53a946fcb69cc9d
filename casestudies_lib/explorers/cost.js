// What two ways of computing the same output cost. A field of a convolution is a number or the name of a slider.
"use strict";

{
  const { grouped, rounded, rows, listen } = window.CaseStudies;

  const filled = (conv, at) =>
    Object.fromEntries(Object.entries(conv).map(([name, field]) => [name, at[field] ?? field]));

  /**
   * MACs and parameters of a chain: a weight for each place of the kernel, input channel of the group and output
   * channel, a bias for each output channel, and a multiplication per weight and output position.
   */
  const counted = (chain, at) => {
    let macs = 0;
    let parameters = 0;
    for (const conv of chain.map((one) => filled(one, at))) {
      const weights = conv.kernel_size ** 2 * (conv.in_channels / conv.groups) * conv.out_channels;
      macs += weights * at.size ** 2;
      parameters += weights + conv.out_channels;
    }
    return { macs, parameters };
  };

  /** `1×1 conv, 16 → 5×5 conv, 32` */
  const written = (chain, at) =>
    chain
      .map((one) => filled(one, at))
      .map(({ kernel_size, in_channels, out_channels, groups }) => {
        const kind = groups === 1 ? "" : groups === in_channels ? " depthwise" : " grouped";
        return `${kernel_size}×${kernel_size}${kind} conv, ${out_channels}`;
      })
      .join(" → ");

  const compared = (before, after) => {
    const times = Math.max(before / after, after / before);
    if (times < 1.05) return before === after ? "as many" : "about as many";
    return `${rounded(times, 10).toFixed(1)} times ${after > before ? "more" : "fewer"}`;
  };

  /** The largest value of the slider `even` with which the second way needs fewer MACs than the first; 0: none. */
  const breakeven = ({ ways: [[, first], [, second]], even, most }, at) => {
    const before = counted(first, at).macs;
    let best = 0;
    while (best < most && counted(second, { ...at, [even]: best + 1 }).macs < before) best += 1;
    return best;
  };

  const show = (given, at) => {
    const counts = given.ways.map(([, chain]) => counted(chain, at));
    const most = Math.max(...counts.map(({ macs }) => macs));
    let text = `${given.ways[1][0]}: ${compared(counts[0].macs, counts[1].macs)} MACs.`;
    if (given.even) {
      const best = breakeven(given, at);
      text += best ? ` It pays with up to ${grouped(best)} ${given.label}.` : " It never pays.";
    }
    return {
      ".chain": given.ways.map(([, chain]) => ({ text: written(chain, at) })),
      ".bar": counts.map(({ macs }) => ({ style: { width: `${(100 * macs) / most}%` } })),
      ".counts": counts.map(({ macs, parameters }) => ({
        text: `${grouped(macs)} MACs, ${grouped(parameters)} parameters`,
      })),
      output: [{ text }],
    };
  };

  window.CaseStudies.cost = { counted, show, mount: listen(rows(show)) };
}
