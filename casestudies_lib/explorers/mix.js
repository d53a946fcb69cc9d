// One 1×1 filter with ReLU over the three channels of a photograph.
"use strict";

{
  const { rows, listen } = window.CaseStudies;

  /** `1.0 · 0.53 − 1.0 · 0.20 …`: weights in tenths, values in hundredths, so that sums are exact. */
  const summed = (weights, pixel) => {
    const terms = weights.map((weight, place) => {
      const sign = weight < 0 ? "−" : place ? "+" : "";
      const value = place < pixel.length ? ` · ${pixel[place].toFixed(2)}` : "";
      return `${sign}${place ? " " : ""}${Math.abs(weight).toFixed(1)}${value}`;
    });
    const products = weights.map((weight, place) => Math.round(10 * weight) * Math.round(100 * (pixel[place] ?? 1)));
    const hundredths = Math.floor((products.reduce((total, product) => total + product, 0) + 5) / 10);
    const sum = (hundredths / 100).toFixed(2).replace("-", "−");
    return `The marked pixel: ${terms.join(" ")} = ${sum}${hundredths < 0 ? ", and 0 after the ReLU" : ""}`;
  };

  const show = (pixel, at) => {
    const row = [at.red, at.green, at.blue, 0, at.bias].join(" ");
    return {
      // The browser's colour matrix is a 1×1 convolution from three channels to three; here its filters are the same.
      feColorMatrix: [{ values: `${row} ${row} ${row} 0 0 0 1 0` }],
      output: [{ text: summed([at.red, at.green, at.blue, at.bias], pixel) }],
    };
  };

  window.CaseStudies.mix = { summed, show, mount: listen(rows(show)) };
}
