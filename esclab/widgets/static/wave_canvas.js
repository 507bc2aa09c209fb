// A waveform on a canvas, with the margins of the spectrogram above it. Nothing is fetched from anywhere.

const MARGIN = { left: 52, right: 10, top: 6, bottom: 6 };

const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));

function render({ model, el }) {
  const stage = document.createElement("div");
  const canvas = document.createElement("canvas");
  stage.className = "esclab-wave";
  stage.style.cssText = "width: 100%; position: relative";
  // A canvas within the flow would keep its place from growing narrower.
  canvas.style.cssText = "position: absolute; left: 0; top: 0";
  canvas.setAttribute("role", "img");
  stage.append(canvas);
  el.append(stage);
  let frame = 0;

  const style = (name, fallback) => getComputedStyle(stage).getPropertyValue(name).trim() || fallback;

  function paint() {
    frame = 0;
    const [width, height] = [Math.max(stage.clientWidth, 160), model.get("height_px")];
    const ratio = window.devicePixelRatio || 1;
    stage.style.height = canvas.style.height = `${height}px`;
    canvas.style.width = `${width}px`;
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    const [start, end] = model.get("time_range_s");
    const peak = Math.max(model.get("peak"), 1e-9);
    const xOf = (time) => MARGIN.left + ((time - start) / (end - start)) * inner.width;
    const yOf = (value) => MARGIN.top + (0.5 - value / peak / 2) * inner.height;

    const [times, low, high] = ["start_s", "lowest", "highest"].map((name) => floats(model.get(name)));
    pen.strokeStyle = style("--jp-brand-color1", "#0072b2");
    pen.lineWidth = 1;
    pen.beginPath();
    times.forEach((time, n) => {
      pen.lineTo(xOf(time), yOf(low[n]));
      pen.lineTo(xOf(time), yOf(high[n]));
    });
    pen.stroke();

    pen.strokeStyle = pen.fillStyle = style("--jp-ui-font-color1", "#1a1a1a");
    pen.strokeRect(MARGIN.left - 0.5, MARGIN.top - 0.5, inner.width + 1, inner.height + 1);
    pen.font = `11px ${style("--jp-ui-font-family", "sans-serif")}`;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const value of [model.get("peak"), 0, -model.get("peak")]) {
      const text = Number(value.toPrecision(2));
      const y = value === 0 ? yOf(0) : yOf(value) - Math.sign(yOf(value) - height / 2) * 6;
      if (value !== 0 || model.get("peak") > 0) pen.fillText(`${text}`.replace("-", "−"), MARGIN.left - 6, y);
    }
    pen.save();
    pen.translate(10, height / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText("Amplitude", 0, 0);
    pen.restore();
    canvas.setAttribute("aria-label", `Waveform, highest level ${model.get("peak").toPrecision(2)} of full scale.`);
  }

  const paintSoon = () => (frame ||= requestAnimationFrame(paint));
  for (const name of ["start_s", "lowest", "highest", "time_range_s", "height_px"]) model.on(`change:${name}`, paintSoon);
  const watcher = new ResizeObserver(paintSoon);
  watcher.observe(stage);
  // A change of JupyterLab's theme changes attributes of the body.
  const themes = new MutationObserver(paintSoon);
  themes.observe(document.body, { attributes: true });
  paint();
  return () => {
    cancelAnimationFrame(frame);
    watcher.disconnect();
    themes.disconnect();
  };
}

export default { render };
