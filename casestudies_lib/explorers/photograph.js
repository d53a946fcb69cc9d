// EfficientNet-Lite0 in the reader's browser. A page brings only this code: a click loads the network, a file of the
// site, as a script, because pages that are opened from disk may read no other file. No picture leaves the page.
"use strict";

{
  /** Run the network's file, which leaves `window.CaseStudies.network`. */
  const load = (address) =>
    new Promise((resolve, reject) => {
      delete window.CaseStudies.network;
      const script = Object.assign(document.createElement("script"), { src: address, charset: "utf-8" });
      const end = () => {
        script.remove();
        if (window.CaseStudies.network) resolve(window.CaseStudies.network);
        else reject(new Error("The network could not be loaded. Please try again."));
      };
      script.addEventListener("load", end);
      script.addEventListener("error", end);
      document.head.append(script);
    });

  /** Hand a message to the worker, and wait for its answer; `step` hears how many layers are done. */
  const ask = (worker, message, transfer, step) =>
    new Promise((resolve, reject) => {
      const heard = new AbortController();
      const { signal } = heard;
      worker.addEventListener(
        "message",
        ({ data }) => {
          if (data.done) {
            step(data.done);
          } else {
            heard.abort();
            resolve(data);
          }
        },
        { signal },
      );
      const failed = () => {
        heard.abort();
        reject(new Error("This browser could not run the network. Please reload the page and try again."));
      };
      worker.addEventListener("error", failed, { signal });
      worker.postMessage(message, transfer);
    });

  /** A worker that has the network: its code came with the file, since a page from disk may start no other. */
  const started = async (address, side) => {
    const { worker: code, numbers, layers, classes, pictures } = await load(address);
    delete window.CaseStudies.network;
    const bytes = new Uint8Array(numbers.length);
    for (let i = 0; i < bytes.length; i += 1) bytes[i] = numbers.charCodeAt(i) - 64;
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const worker = new Worker(url);
    await ask(worker, { layers, classes: classes.length, side, bytes: bytes.buffer }, [bytes.buffer]);
    URL.revokeObjectURL(url);
    return { worker, classes, pictures, layers: layers.length };
  };

  /** The picture in a file; a camera's is turned as it was held. */
  const read = async (file) => {
    try {
      return await createImageBitmap(file);
    } catch {
      throw new Error(`${file.name} cannot be read as a picture: please choose one, such as a JPEG or a PNG.`);
    }
  };

  /** What the network sees of a picture: its centre, scaled; transparent places are white. */
  const prepared = (picture, { resize, crop }) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: crop, height: crop });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const side = (Math.min(picture.width, picture.height) * crop) / resize;
    Object.assign(context, { fillStyle: "white", imageSmoothingQuality: "high" });
    context.fillRect(0, 0, crop, crop);
    const corner = [(picture.width - side) / 2, (picture.height - side) / 2];
    context.drawImage(picture, ...corner, side, side, 0, 0, crop, crop);
    return canvas;
  };

  /** The pixels of a canvas as the network takes them: standardised, the channels of a pixel side by side. */
  const standardised = (canvas, { mean, std }) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const image = new Float32Array((data.length / 4) * 3);
    for (let i = 0; i < image.length; i += 1) {
      image[i] = (data[Math.floor(i / 3) * 4 + (i % 3)] / 255 - mean[i % 3]) / std[i % 3];
    }
    return image;
  };

  /** A picture under what each place of a map says for a class: the more, the pinker. Small maps grow smoothly. */
  const paint = (canvas, picture, map) => {
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0);
    const side = Math.sqrt(map.length);
    const most = Math.max(...map);
    const pixels = new ImageData(side, side);
    for (const [place, value] of map.entries()) {
      pixels.data.set([255, 45, 149, most > 0 ? Math.max(0, (180 * value) / most) : 0], 4 * place);
    }
    const small = Object.assign(document.createElement("canvas"), { width: side, height: side });
    small.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
  };

  /** In words, where a map is largest. */
  const strongest = (map) => {
    const side = Math.sqrt(map.length);
    const most = map.indexOf(Math.max(...map));
    const third = (place) => Math.floor((3 * place) / side);
    const [row, column] = [third(Math.floor(most / side)), third(most % side)];
    if (row === 1 && column === 1) return "in the middle";
    return `${["at the top", "in the middle", "at the bottom"][row]} ${["left", "", "right"][column]}`.trim();
  };

  const percent = (share) => (share < 0.005 ? "under 1%" : `${Math.round(100 * share)}%`);

  const mount = (box, given) => {
    const address = box.dataset.network;
    if (!address) return; // not on the site
    const find = (selector) => box.querySelector(selector);
    const [button, progress, stage, canvas] = [".load", "progress", ".stage", "canvas"].map(find);
    const own = find(".own");
    let network = null;
    let shown = null;
    let latest = 0; // number of the picture that was asked for last
    let running = Promise.resolve();

    const say = (words) => {
      find("output").textContent = words;
    };

    const point = () => {
      const { label, map } = shown.guesses[find("input:checked").value];
      paint(canvas, shown.picture, map);
      const name = network.classes[label];
      const where = `What speaks for “${name}” is pink, most ${strongest(map)}.`;
      const fields = Math.sqrt(map.length);
      find("figcaption").textContent = `${where} The network has ${fields} × ${fields} places, drawn large and smooth.`;
      canvas.setAttribute("aria-label", `The picture as the network sees it. ${where}`);
    };

    const show = (picture, { guesses, time }) => {
      shown = { picture, guesses };
      const rows = guesses.map(({ label, share }) => [network.classes[label], percent(share), share]);
      for (const [place, way] of stage.querySelectorAll("label").entries()) {
        const [name, share, width] = rows[place];
        way.querySelector(".name").textContent = name;
        way.querySelector(".percent").textContent = share;
        way.querySelector(".bar").style.width = `${100 * width}%`;
      }
      find("input[type=radio]").checked = true;
      stage.hidden = false;
      stage.scrollIntoView({ block: "nearest" }); // from a photograph above, on a phone
      point();
      say(`First guess: ${rows[0][0]}, ${rows[0][1]}. It took ${(time / 1000).toFixed(2)} seconds here.`);
    };

    /** Show what the network says of a picture, which `opened` brings; of several at once only of the last. */
    const run = async (opened, cut) => {
      latest += 1;
      const mine = latest;
      say("The network is at work …");
      try {
        const picture = prepared(await opened(), cut);
        await running.catch(() => {});
        if (mine !== latest) return;
        progress.max = network.layers;
        progress.value = 0;
        progress.hidden = false;
        const image = standardised(picture, given);
        running = ask(network.worker, { image }, [image.buffer], (done) => {
          progress.value = done;
        });
        const found = await running;
        if (mine === latest) show(picture, found);
      } catch (problem) {
        if (mine === latest) say(problem.message);
      } finally {
        if (mine === latest) progress.hidden = true;
      }
    };

    const take = (files) => {
      const file = [...files].find((one) => one.type.startsWith("image/")) ?? files[0];
      if (network && file) run(() => read(file), given);
      return network && file;
    };

    button.addEventListener("click", async () => {
      if (button.ariaDisabled) return;
      button.ariaDisabled = "true";
      progress.removeAttribute("value");
      progress.hidden = false;
      say("The network is on its way …");
      try {
        network = await started(address, given.crop);
        for (const one of box.querySelectorAll(".choose, .run")) one.hidden = false;
        button.hidden = true;
        find("input[name=file]").focus();
        say("The network is here. Choose a picture.");
      } catch (problem) {
        say(problem.message);
      }
      button.ariaDisabled = null;
      progress.hidden = true;
    });

    box.addEventListener("click", ({ target }) => {
      if (!target.matches(".run")) return;
      const picture = new Image(); // from the network's file: of one from a page's, browsers hide the pixels on disk
      picture.src = network.pictures[[...box.querySelectorAll(".run")].indexOf(target)];
      const opened = () => picture.decode().then(() => picture);
      run(opened, { resize: given.crop, crop: given.crop }); // it is cut already
    });

    box.addEventListener("change", ({ target }) => {
      if (target.matches("[type=radio]")) {
        point();
      } else {
        take(target.files);
        target.value = ""; // so that the same file can be chosen again
      }
    });

    own.addEventListener("dragover", (event) => event.preventDefault());
    own.addEventListener("drop", (event) => {
      event.preventDefault();
      take(event.dataTransfer.files);
    });
    document.addEventListener("paste", (event) => {
      if (event.clipboardData?.files.length && take(event.clipboardData.files)) event.preventDefault();
    });

    find(".off").hidden = true;
    own.hidden = false;
  };

  window.CaseStudies.photograph = { prepared, paint, started, ask, mount };
}
