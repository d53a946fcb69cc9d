// The forward pass of a chain of convolutions such as EfficientNet-Lite0, in a worker, so that the page stays awake.
// Images and maps are (pixels, channels): all channels of a pixel side by side. Padding is TensorFlow's "same".
"use strict";

{
  /**
   * Layers with their weights as floats, from the bytes that Python wrote: floats, of each layer the scales of its output
   * channels (or its weights, if it is exact) and the biases, then the codes of all layers that are not exact. Each has a
   * place for what it puts out, where the last pixel has a neighbour, since `mixed` goes by pairs. Sizes are products:
   * what comes of `**` is kept as a float, and an index of floats doubles the time.
   */
  const unpacked = (layers, classes, side, bytes) => {
    const all = [...layers, { in: layers.at(-1).out, out: classes, kernel: 1, stride: 1 }].map((layer) => {
      const inputs = layer.depthwise ? 1 : layer.in * layer.kernel * layer.kernel;
      const count = layer.out * (layer.depthwise ? layer.kernel * layer.kernel : inputs);
      return Object.assign(layer, { inputs, count });
    });
    const floats = all.reduce((sum, { exact, count, out }) => sum + (exact ? count : out) + out, 0);
    let at = 0;
    const take = (count) => {
      at += count;
      return new Float32Array(bytes, 4 * (at - count), count);
    };
    let from = 4 * floats;
    let size = side;
    return all.map((layer, place) => {
      const { inputs, count, exact, depthwise, kernel, stride, out } = layer;
      const given = take(exact ? count : out);
      const bias = take(out);
      let weights = given;
      if (!exact) {
        const codes = new Int8Array(bytes, from, count);
        from += count;
        weights = new Float32Array(count);
        for (let i = 0; i < count; i += 1) {
          weights[i] = codes[i] * given[depthwise ? i % out : Math.floor(i / inputs)];
        }
      }
      const before = size;
      size = place === layers.length ? 1 : Math.ceil(before / stride);
      const made = new Float32Array((size * size + 1) * out);
      const patches = kernel > 1 && !depthwise ? new Float32Array((size * size + 1) * inputs) : null;
      return Object.assign(layer, { weights, bias, before, size, made, patches });
    });
  };

  /** A convolution of one pixel: two pixels and four output channels at a time, so that each number read serves twice. */
  const mixed = (x, { weights, bias, inputs, out, size, made }) => {
    for (let o = 0; o < out; o += 4) {
      const w = o * inputs;
      const [w1, w2, w3] = [w + inputs, w + 2 * inputs, w + 3 * inputs];
      for (let p = 0; p < size * size; p += 2) {
        const x0 = p * inputs;
        const x1 = x0 + inputs;
        let a0 = bias[o];
        let a1 = bias[o + 1];
        let a2 = bias[o + 2];
        let a3 = bias[o + 3];
        let b0 = a0;
        let b1 = a1;
        let b2 = a2;
        let b3 = a3;
        for (let i = 0; i < inputs; i += 1) {
          const u = x[x0 + i];
          const v = x[x1 + i];
          const s0 = weights[w + i];
          const s1 = weights[w1 + i];
          const s2 = weights[w2 + i];
          const s3 = weights[w3 + i];
          a0 += u * s0;
          a1 += u * s1;
          a2 += u * s2;
          a3 += u * s3;
          b0 += v * s0;
          b1 += v * s1;
          b2 += v * s2;
          b3 += v * s3;
        }
        const q = p * out + o;
        made[q] = a0;
        made[q + 1] = a1;
        made[q + 2] = a2;
        made[q + 3] = a3;
        made[q + out] = b0;
        made[q + out + 1] = b1;
        made[q + out + 2] = b2;
        made[q + out + 3] = b3;
      }
    }
  };

  /**
   * Go through the windows of a layer: `each(to, from, place)` for every place in the kernel that lies in the image.
   * Of "same" padding, `border` lies above and left, and the rest below and right.
   */
  const windows = ({ kernel, stride, before, size }, each) => {
    const border = (kernel - stride) >> 1;
    for (let y = 0; y < size; y += 1) {
      for (let x = 0; x < size; x += 1) {
        for (let ky = Math.max(0, border - y * stride); ky < Math.min(kernel, before + border - y * stride); ky += 1) {
          const row = (y * stride + ky - border) * before;
          for (let kx = Math.max(0, border - x * stride); kx < Math.min(kernel, before + border - x * stride); kx += 1) {
            each(y * size + x, row + x * stride + kx - border, ky * kernel + kx);
          }
        }
      }
    }
  };

  /** A depthwise convolution: each channel by itself. */
  const depthwise = (x, layer) => {
    const { weights, bias, out, size, made } = layer;
    for (let p = 0; p < size * size; p += 1) made.set(bias, p * out);
    windows(layer, (to, from, place) => {
      const t = to * out;
      const f = from * out;
      const w = place * out;
      for (let c = 0; c < out; c += 1) made[t + c] += x[f + c] * weights[w + c];
    });
  };

  /** The window of each output pixel in a row, so that any convolution is one of a single pixel. */
  const gathered = (x, { patches, inputs, ...layer }) => {
    windows(layer, (to, from, place) => {
      for (let c = 0; c < layer.in; c += 1) patches[to * inputs + place * layer.in + c] = x[from * layer.in + c];
    });
    return patches;
  };

  /** `(side * side * 3)` to the last feature map `(size * size, channels)` and the classes' logits. */
  const forward = (layers, image, done) => {
    let x = image;
    let kept = null;
    for (const [place, layer] of layers.slice(0, -1).entries()) {
      if (layer.start) kept = x;
      if (layer.depthwise) depthwise(x, layer);
      else mixed(layer.patches ? gathered(x, layer) : x, layer);
      x = layer.made;
      if (layer.relu6) for (let i = 0; i < x.length; i += 1) x[i] = x[i] < 0 ? 0 : x[i] > 6 ? 6 : x[i];
      if (layer.add) for (let i = 0; i < x.length; i += 1) x[i] += kept[i];
      done?.(place + 1);
    }
    const [last, classifier] = layers.slice(-2);
    const mean = new Float32Array(2 * last.out);
    for (let c = 0; c < last.out; c += 1) {
      let sum = 0;
      for (let p = 0; p < last.size ** 2; p += 1) sum += x[p * last.out + c];
      mean[c] = sum / last.size ** 2;
    }
    mixed(mean, classifier);
    return { features: x, logits: classifier.made.subarray(0, classifier.out) };
  };

  /** What each place of the last feature map says for a class (Zhou 2016): their mean and the bias are its logit. */
  const activation = (layers, features, label) => {
    const [last, { weights }] = layers.slice(-2);
    return Float32Array.from({ length: last.size ** 2 }, (_, p) => {
      let sum = 0;
      for (let c = 0; c < last.out; c += 1) sum += features[p * last.out + c] * weights[label * last.out + c];
      return sum;
    });
  };

  const softmax = (logits) => {
    const most = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - most));
    const sum = powers.reduce((one, other) => one + other, 0);
    return powers.map((power) => power / sum);
  };

  let network = null;
  const answer = (message, transfer = []) => self.postMessage(message, transfer);

  self.addEventListener("message", ({ data }) => {
    if (data.bytes) {
      network = unpacked(data.layers, data.classes, data.side, data.bytes);
      answer({ ready: true });
      return;
    }
    const start = performance.now();
    const { features, logits } = forward(network, data.image, (done) => answer({ done }));
    const shares = softmax(logits);
    const order = [...shares.keys()].sort((one, other) => shares[other] - shares[one]);
    const guesses = order.slice(0, 5).map((label) => ({
      label,
      share: shares[label],
      map: activation(network, features, label),
    }));
    answer({ guesses, logits: logits.slice(), time: performance.now() - start });
  });
}
