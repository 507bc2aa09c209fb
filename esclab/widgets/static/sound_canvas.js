// A spectrogram on a canvas: a rectangle to drag or to move by keys, an overlay, strips of weights, sounds with a play head.
// Nothing is fetched from anywhere; all data come over the widget's own traits.

const MARGIN = { left: 52, right: 10, top: 6, bottom: 34 };
const STRIP = 26; // px that a strip of weights takes
const EDGE = 7; // px around a border that grab it
const LONGEST_WAIT_MS = 300;
const OVERLAY = [0, 229, 255];

const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
const element = (tag, className, parent) => {
  const made = document.createElement(tag);
  made.className = className;
  parent?.append(made);
  return made;
};

// One message may carry the changes of several widgets; all of them are there before the first is painted. One that is
// gone keeps the others from nothing.
async function spread(manager, parts, buffers) {
  const models = await Promise.all(parts.map((part) => manager.get_model(part.model).catch(() => null)));
  let next = 0;
  parts.forEach((part, number) => {
    for (const name of part.paths) part.state[name] = buffers[next++];
    models[number]?.set_state(part.state);
  });
}

function initialize({ model }) {
  model.on("msg:custom", (content, buffers) => {
    if (content.type === "together") spread(model.widget_manager, content.parts, buffers);
  });
}

function render({ model, el }) {
  const root = element("div", "esclab-sound", el);
  const heading = element("div", "esclab-sound-title", root);
  const stage = element("div", "esclab-sound-stage", root);
  const picture = element("canvas", "esclab-sound-picture", stage);
  const glass = element("canvas", "esclab-sound-glass", stage);
  const bar = element("div", "esclab-sound-bar", root);
  const hint = element("span", "esclab-sound-hint", root);
  const get = (name) => model.get(name);

  let plot = { x: 0, y: 0, width: 1, height: 1 };
  let region = get("region").slice();
  let drag = null;
  let waiting = false;
  let released = false;
  let arrived = () => {};
  let wanted = null;
  let gestureAt = 0;
  let audio = null;
  let playing = "";
  let last = ""; // what space plays again
  let frame = 0;
  const small = new OffscreenCanvas(1, 1); // the map, a pixel a cell
  let fitted = ""; // width, height and pixel ratio that the canvases have

  const style = (name, fallback) => getComputedStyle(root).getPropertyValue(name).trim() || fallback;
  const span = () => get("time_range_s");
  const edges = () => get("band_edges_hz");
  const bands = () => edges().length - 1;

  // Every band has the same height, so a frequency lies between the borders of its band.
  const placeOf = (hz) => {
    const borders = edges();
    if (hz <= borders[0]) return 0;
    for (let band = 0; band < bands(); band += 1) {
      if (hz <= borders[band + 1]) return (band + (hz - borders[band]) / (borders[band + 1] - borders[band])) / bands();
    }
    return 1;
  };
  const hzAt = (place) => {
    const borders = edges();
    const position = clamp(place, 0, 1) * bands();
    const band = Math.min(Math.floor(position), bands() - 1);
    return borders[band] + (position - band) * (borders[band + 1] - borders[band]);
  };
  const xOf = (time) => plot.x + ((time - span()[0]) / (span()[1] - span()[0])) * plot.width;
  const timeAt = (x) => span()[0] + clamp((x - plot.x) / plot.width, 0, 1) * (span()[1] - span()[0]);
  const yOf = (hz) => plot.y + (1 - placeOf(hz)) * plot.height;
  const hzAtY = (y) => hzAt(1 - (y - plot.y) / plot.height);

  function fit() {
    const width = Math.max(stage.clientWidth, 160);
    const height = get("height_px");
    const ratio = window.devicePixelRatio || 1;
    const size = [width, height, ratio].join();
    if (size === fitted) return;
    fitted = size;
    for (const canvas of [picture, glass]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    stage.style.height = `${height}px`;
  }

  function place() {
    const below = get("time_strip").byteLength ? STRIP : 0;
    const beside = get("band_strip").byteLength ? STRIP + 8 : 0;
    const [width, height] = fitted.split(",").map(Number);
    plot = {
      x: MARGIN.left,
      y: MARGIN.top,
      width: width - MARGIN.left - MARGIN.right - beside,
      height: height - MARGIN.top - MARGIN.bottom - below,
    };
  }

  // Each cell is one of 256 colours, under a cyan veil where there is an overlay; time runs slowest in the bytes.
  function paintMap(context) {
    const [frames, rows] = get("shape");
    if (!frames || !rows) return;
    const values = bytes(get("values"));
    const overlay = bytes(get("overlay"));
    const veil = get("overlay_opacity") / 255;
    const colours = bytes(get("colours"));
    if (small.width !== frames || small.height !== rows) [small.width, small.height] = [frames, rows];
    const pen = small.getContext("2d");
    const image = pen.createImageData(frames, rows);
    const { data } = image;
    for (let b = 0, at = 0; b < rows; b += 1) {
      for (let cell = rows - 1 - b; cell < frames * rows; cell += rows, at += 4) {
        const step = values[cell] * 3;
        const cover = overlay.length ? overlay[cell] * veil : 0;
        for (let c = 0; c < 3; c += 1) data[at + c] = colours[step + c] + (OVERLAY[c] - colours[step + c]) * cover;
        data[at + 3] = 255;
      }
    }
    pen.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, plot.x, plot.y, plot.width, plot.height);
  }

  function paintAxes(context) {
    const ink = style("--esclab-ink", "#1a1a1a");
    context.strokeStyle = context.fillStyle = ink;
    context.lineWidth = 1;
    context.font = `11px ${style("--jp-ui-font-family", "sans-serif")}`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const [position, label] of get("ticks_hz")) {
      const y = plot.y + (1 - position) * plot.height;
      context.fillText(label, plot.x - 6, y);
      context.fillRect(plot.x - 4, y, 4, 1);
    }
    context.save();
    context.translate(10, plot.y + plot.height / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(get("band_title"), 0, 0);
    context.restore();
    const bottom = plot.y + plot.height;
    const under = bottom + (get("time_strip").byteLength ? STRIP : 0);
    const [start, end] = span();
    const steps = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 600];
    const step = steps.find((s) => (end - start) / s <= Math.max(plot.width / 55, 2)) || 600;
    context.textAlign = "center";
    context.textBaseline = "top";
    for (let time = Math.ceil(start / step) * step; time <= end + 1e-9; time += step) {
      context.fillRect(xOf(time), under, 1, 4);
      context.fillText(`${Number(time.toFixed(2))}`, xOf(time), under + 5);
    }
    context.fillText("Time (s)", plot.x + plot.width / 2, under + 18);
    context.strokeRect(plot.x - 0.5, plot.y - 0.5, plot.width + 1, plot.height + 1);
  }

  // A strip shows weights between two values written beside it, which leave out the extreme 2 % at both ends: padding
  // makes the first and last frames stand out, and they would flatten all others.
  function paintStrips(context) {
    const colour = style("--esclab-accent", "#0072B2");
    const soft = style("--esclab-soft", "#5a5a5a");
    const draw = (values, point) => {
      const sorted = Float32Array.from(values).sort();
      const cut = Math.floor(0.02 * sorted.length) + (sorted.length > 50 ? 1 : 0);
      const low = sorted[cut];
      const height = Math.max(sorted[sorted.length - 1 - cut] - low, 0.02);
      context.beginPath();
      values.forEach((value, n) => point(n, values.length, clamp((value - low) / height, 0, 1)));
      context.strokeStyle = colour;
      context.lineWidth = 1.5;
      context.stroke();
      return [low, low + height];
    };
    context.font = `9px ${style("--jp-ui-font-family", "sans-serif")}`;
    context.fillStyle = soft;
    if (get("time_strip").byteLength) {
      const top = plot.y + plot.height + 3;
      const ends = draw(floats(get("time_strip")), (n, count, level) => {
        const y = top + (1 - level) * (STRIP - 8);
        context.lineTo(plot.x + (n / count) * plot.width, y);
        context.lineTo(plot.x + ((n + 1) / count) * plot.width, y);
      });
      context.textAlign = "right";
      context.textBaseline = "middle";
      context.fillText(ends[1].toFixed(2), plot.x - 6, top + 6); // below the lowest tick of the map
      context.fillText(ends[0].toFixed(2), plot.x - 6, top + STRIP - 5);
    }
    if (get("band_strip").byteLength) {
      const left = plot.x + plot.width + 5;
      const ends = draw(floats(get("band_strip")), (n, count, level) => {
        const x = left + level * (STRIP - 6);
        context.lineTo(x, plot.y + (1 - n / count) * plot.height);
        context.lineTo(x, plot.y + (1 - (n + 1) / count) * plot.height);
      });
      context.textBaseline = "top";
      context.textAlign = "left";
      context.fillText(ends[0].toFixed(2), left - 4, plot.y + plot.height + 3);
      context.textAlign = "right";
      context.fillText(ends[1].toFixed(2), left + STRIP + 2, plot.y + plot.height + 13);
    }
  }

  function outline(context, box, dashed) {
    const [start, end, low, high] = box;
    const x = xOf(clamp(start, ...span()));
    const y = yOf(high);
    const width = xOf(clamp(end, ...span())) - x;
    const height = yOf(low) - y;
    context.setLineDash(dashed ? [5, 4] : []);
    for (const [colour, thickness] of [["black", 4], ["white", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = thickness;
      context.strokeRect(x, y, width, height);
    }
    context.setLineDash([]);
  }

  function paintGlass() {
    const context = glass.getContext("2d");
    context.clearRect(0, 0, glass.width, glass.height);
    for (const box of get("boxes")) outline(context, box, true);
    if (region.length === 4) outline(context, region, false);
    if (audio && playing && !Number.isNaN(audio.currentTime)) {
      const x = xOf(span()[0] + audio.currentTime);
      context.fillStyle = "black";
      context.fillRect(x - 2, plot.y, 4, plot.height);
      context.fillStyle = "white";
      context.fillRect(x - 1, plot.y, 2, plot.height);
    }
    if (document.activeElement === glass) {
      context.strokeStyle = style("--esclab-accent", "#0072B2");
      context.lineWidth = 2;
      context.strokeRect(plot.x - 3, plot.y - 3, plot.width + 6, plot.height + 6);
    }
  }

  function paint() {
    place();
    const context = picture.getContext("2d");
    context.clearRect(0, 0, picture.width, picture.height);
    paintMap(context);
    paintAxes(context);
    paintStrips(context);
    paintGlass();
    root.dataset.painted = String(Number(root.dataset.painted || 0) + 1);
  }

  // While an answer is on its way, canvases wait for all of it: one frame, instead of one for each part that comes.
  function paintSoon() {
    if (frame) return;
    frame = 1;
    const ready = window.esclabAnswer || Promise.resolve();
    ready.then(() => requestAnimationFrame(() => {
      frame = 0;
      paint();
    }));
  }

  function refit() {
    fit();
    paintSoon();
  }

  // One request is under way at a time; when its answer comes, only the newest wish follows.
  function send() {
    if (wanted === null || waiting) return;
    waiting = true;
    window.esclabAnswer = new Promise((resolve) => {
      arrived = resolve;
      setTimeout(resolve, LONGEST_WAIT_MS);
    });
    model.set("region", wanted);
    model.set("stamp", get("stamp") + 1);
    wanted = null;
    root.dataset.sentAt = String(gestureAt);
    model.save_changes();
  }

  // A hand may bring two sides together; one frame and one band stay between them.
  function keepOpen([start, end, low, high]) {
    const frame_s = (span()[1] - span()[0]) / Math.max(get("shape")[0], 1);
    const left = Math.min(start, span()[1] - frame_s);
    const bottom = Math.min(placeOf(low), 1 - 1 / bands());
    const top = Math.max(placeOf(high), bottom + 1 / bands());
    return [left, Math.max(end, left + frame_s), hzAt(bottom), hzAt(top)];
  }

  function wish(box) {
    region = box;
    gestureAt = performance.now();
    paintGlass();
    tell();
    if (!get("answers")) {
      model.set("region", box);
      model.save_changes();
      return;
    }
    wanted = box.slice();
    send();
  }

  function tell() {
    const [start, end, low, high] = region;
    hint.textContent = region.length
      ? `${start.toFixed(2)} to ${end.toFixed(2)} s, ${Math.round(low)} to ${Math.round(high)} Hz`
      : get("selecting") ? "No region. Drag on the picture, or press Enter in it." : "";
    glass.setAttribute("aria-label", `${get("title")}. ${get("alt")} ${hint.textContent}`);
  }

  function grab(x, y) {
    if (region.length !== 4) return null;
    const [left, right, top, bottom] = [xOf(region[0]), xOf(region[1]), yOf(region[3]), yOf(region[2])];
    if (x < left - EDGE || x > right + EDGE || y < top - EDGE || y > bottom + EDGE) return null;
    const sides = [Math.abs(x - left), Math.abs(x - right), Math.abs(y - bottom), Math.abs(y - top)];
    const near = sides.map((distance) => distance <= EDGE);
    return near.some(Boolean) ? { near } : { move: true };
  }

  function pointerDown(event) {
    if (event.button !== 0) return;
    glass.focus();
    const { offsetX: x, offsetY: y } = event;
    if (!get("selecting")) {
      model.send({ type: "click", time_s: timeAt(x), frequency_hz: hzAtY(y) });
      if (audio) audio.currentTime = timeAt(x) - span()[0];
      return;
    }
    glass.setPointerCapture(event.pointerId);
    drag = { x, y, box: region.slice(), ...(grab(x, y) || { fresh: true }) };
  }

  function pointerMove(event) {
    if (!drag) return;
    const { offsetX: x, offsetY: y } = event;
    const times = [timeAt(drag.x), timeAt(x)];
    const rates = [hzAtY(drag.y), hzAtY(y)];
    if (drag.fresh) {
      if (Math.abs(x - drag.x) < 3 || Math.abs(y - drag.y) < 3) return;
      wish(keepOpen([Math.min(...times), Math.max(...times), Math.min(...rates), Math.max(...rates)]));
    } else if (drag.move) {
      wish(shift(drag.box, times[1] - times[0], placeOf(rates[1]) - placeOf(rates[0])));
    } else {
      const box = drag.box.slice();
      drag.near.forEach((near, side) => {
        if (near) box[side] = side < 2 ? times[1] : rates[1];
      });
      const sides = [box.slice(0, 2), box.slice(2)].flatMap((pair) => pair.sort((one, other) => one - other));
      wish(keepOpen(sides));
    }
  }

  function pointerUp(event) {
    if (!drag) return;
    glass.releasePointerCapture(event.pointerId);
    drag = null;
    released = true;
    if (!waiting) tellReleased();
  }

  // The answer comes first: what else the kernel is told would share the processor with it.
  function tellReleased() {
    if (!released || wanted !== null) return;
    released = false;
    model.send({ type: "released" });
  }

  function shift(box, seconds, places) {
    const [start, end] = span();
    const by = clamp(seconds, start - box[0], end - box[1]);
    const [low, high] = [placeOf(box[2]), placeOf(box[3])];
    const up = clamp(places, -low, 1 - high);
    return [box[0] + by, box[1] + by, hzAt(low + up), hzAt(high + up)];
  }

  function keyDown(event) {
    const sounds = Object.keys(get("sounds"));
    const number = Number(event.key);
    let used = true;
    if (event.key === " ") playing ? stop() : play(sounds.includes(last) ? last : sounds[0]);
    else if (number >= 1 && number <= sounds.length) play(sounds[number - 1]);
    else if (!get("selecting")) used = false;
    else if (event.key === "Enter" && region.length === 0) {
      const [start, end] = span();
      wish([start + 0.4 * (end - start), start + 0.6 * (end - start), hzAt(0.4), hzAt(0.7)]);
    } else if (event.key === "Delete" || event.key === "Backspace") wish([]);
    else if (event.key.startsWith("Arrow") && region.length === 4) {
      const time = (span()[1] - span()[0]) / Math.max(get("shape")[0], 1);
      const dt = { ArrowLeft: -time, ArrowRight: time }[event.key] || 0;
      const db = { ArrowDown: -1, ArrowUp: 1 }[event.key] / bands() || 0;
      if (event.shiftKey) {
        wish([
          region[0],
          clamp(region[1] + dt, region[0] + time, span()[1]),
          region[2],
          hzAt(clamp(placeOf(region[3]) + db, placeOf(region[2]) + 1 / bands(), 1)),
        ]);
      } else wish(shift(region, dt, db));
    } else used = false;
    if (used) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  function stop() {
    audio?.pause();
    playing = "";
    markButtons();
    paintGlass();
  }

  // A sound that is still being read would end in an error if its address went away before it.
  function letGo() {
    if (!audio) return;
    const address = audio.src;
    audio.removeAttribute("src");
    audio.load();
    URL.revokeObjectURL(address);
  }

  function play(name) {
    const data = get("sounds")[name];
    if (!data) return;
    stop();
    letGo();
    const mine = new Audio(URL.createObjectURL(new Blob([data], { type: "audio/wav" })));
    audio = mine;
    mine.addEventListener("ended", stop);
    playing = last = name;
    markButtons();
    mine.play().catch(() => {
      if (audio !== mine || !playing) return; // stopped before it began
      hint.textContent = "This browser did not play the sound.";
      stop();
    });
    const follow = () => {
      if (!playing || !root.isConnected) return;
      paintGlass();
      requestAnimationFrame(follow);
    };
    follow();
  }

  function markButtons() {
    for (const button of bar.children) {
      const on = button.dataset.sound === playing;
      button.textContent = `${on ? "■" : "▶"} ${button.dataset.sound}`;
      button.setAttribute("aria-pressed", String(on));
      button.classList.toggle("esclab-sound-last", button.dataset.sound === last);
    }
    root.dataset.playing = playing;
  }

  function buildButtons() {
    bar.replaceChildren();
    Object.keys(get("sounds")).forEach((name, number) => {
      const button = element("button", "esclab-sound-play", bar);
      button.dataset.sound = name;
      button.title = `Play or stop: ${name} (key ${number + 1} in the picture)`;
      button.addEventListener("click", () => (playing === name ? stop() : play(name)));
    });
    markButtons();
  }

  function answered() {
    waiting = false;
    arrived();
    const since = Number(root.dataset.sentAt || 0);
    const ready = window.esclabAnswer || Promise.resolve();
    ready.then(() => requestAnimationFrame(() =>
      setTimeout(() => {
        if (since) (window.esclabLatencies ||= []).push(performance.now() - since);
        root.dataset.answered = String(get("answered"));
        if (!waiting) tellReleased();
      }, 0),
    ));
    send();
  }

  function label() {
    heading.textContent = get("title");
    const subtitle = get("subtitle");
    if (subtitle) element("span", "esclab-sound-subtitle", heading).textContent = subtitle;
    glass.tabIndex = get("selecting") || Object.keys(get("sounds")).length ? 0 : -1;
    glass.setAttribute("role", get("selecting") ? "application" : "img");
    tell();
  }

  glass.addEventListener("pointerdown", pointerDown);
  glass.addEventListener("pointermove", pointerMove);
  glass.addEventListener("pointerup", pointerUp);
  glass.addEventListener("keydown", keyDown);
  glass.addEventListener("focus", paintGlass);
  glass.addEventListener("blur", paintGlass);
  for (const name of ["values", "shape", "overlay", "overlay_opacity", "time_strip", "band_strip", "boxes",
    "ticks_hz", "band_title"]) model.on(`change:${name}`, paintSoon);
  model.on("change:height_px", refit);
  model.on("change:region", () => {
    if (drag || wanted !== null) return;
    region = get("region").slice();
    paintGlass();
    tell();
  });
  for (const name of ["title", "subtitle", "selecting", "alt"]) model.on(`change:${name}`, label);
  model.on("change:title", stop); // another clip
  model.on("change:sounds", () => {
    if (playing && !(playing in get("sounds"))) stop();
    buildButtons();
    label();
  });
  model.on("change:answered", answered);
  model.on("change:play", () => requestAnimationFrame(() => play(Object.keys(get("sounds"))[0])));
  const watcher = new ResizeObserver(refit);
  watcher.observe(stage);
  // A change of JupyterLab's theme changes attributes of the body.
  const themes = new MutationObserver(paintSoon);
  themes.observe(document.body, { attributes: true });
  buildButtons();
  label();
  fit();
  paint();
  return () => {
    stop();
    letGo();
    watcher.disconnect();
    themes.disconnect();
  };
}

export default { initialize, render };
