// A sound from the reader's machine: a chosen file, or the microphone as 16-bit WAV. It is sent in pieces, each asked
// for by Python. Nothing is fetched from anywhere.

const SILENT_DB = -60;
const LOUD_DB = -0.5;

// Runs beside the page: hands on each block of samples.
const CAPTURE = `registerProcessor("esclab-capture", class extends AudioWorkletProcessor {
  process(inputs) {
    if (inputs[0].length) this.port.postMessage(inputs[0][0].slice());
    return true;
  }
});`;

const REFUSALS = {
  NotAllowedError: "The microphone was refused. Allow it for this page in the browser's address bar, and record again.",
  SecurityError: "The microphone was refused. Allow it for this page in the browser's address bar, and record again.",
  NotFoundError: "No microphone is there. Plug one in, or choose a file.",
  NotReadableError: "The microphone is in use by another program. Close that one, and record again.",
};
const INSECURE = "This page may not record: browsers allow it over https or on this very machine only. Choose a file instead.";

const element = (tag, className, parent) => {
  const made = document.createElement(tag);
  made.className = className;
  parent?.append(made);
  return made;
};

// The WAV file of blocks of samples within -1..1.
function writeWav(blocks, rate) {
  const count = blocks.reduce((sum, block) => sum + block.length, 0);
  const view = new DataView(new ArrayBuffer(44 + 2 * count));
  const text = (at, letters) => [...letters].forEach((letter, n) => view.setUint8(at + n, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * count, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * count, true);
  let at = 44;
  for (const block of blocks) {
    for (const sample of block) {
      view.setInt16(at, Math.round(Math.min(Math.max(sample, -1), 1) * 32767), true);
      at += 2;
    }
  }
  return view.buffer;
}

function nameRecording() {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `recording ${day} ${two(now.getHours())}.${two(now.getMinutes())}.${two(now.getSeconds())}.wav`;
}

function render({ model, el }) {
  const root = element("div", "esclab-recorder", el);
  const choose = element("button", "esclab-recorder-choose", root);
  const record = element("button", "esclab-recorder-record", root);
  const level = element("span", "esclab-recorder-level", root);
  const meter = element("meter", "", level);
  const clock = element("span", "esclab-recorder-clock", level);
  const line = element("span", "esclab-recorder-text", root);
  const picker = element("input", "", root);
  picker.type = "file";
  picker.accept = "audio/*,.wav,.flac,.ogg,.oga,.opus,.mp3,.aif,.aiff,.au,.caf,.w64,.rf64";
  picker.hidden = true;
  meter.min = SILENT_DB;
  meter.max = 0;
  meter.high = -3;
  meter.setAttribute("aria-label", "Level of the microphone in decibels");
  line.setAttribute("role", "status");
  choose.type = record.type = "button";
  record.title = `Record from the microphone, ${model.get("longest_s")} s at most; press again to stop`;

  let state = "idle";
  let capture = null;
  let parcel = null;

  // A disabled button would lose the focus, and with it the keyboard's next press.
  const block = (button, blocked) => button.setAttribute("aria-disabled", String(blocked));
  const press = (button, act) =>
    button.addEventListener("click", () => button.getAttribute("aria-disabled") === "true" || act());

  function show(next, text) {
    state = next;
    root.dataset.state = state;
    if (text !== undefined) line.textContent = text;
    choose.textContent = state === "sending" ? "Cancel" : "Choose a file";
    const most = Math.round(model.get("most_bytes") / 1e6);
    choose.title = state === "sending" ? "Stop sending" : `Upload a recording: WAV, FLAC, Ogg, MP3, AIFF; ${most} MB at most`;
    block(choose, state === "asking" || state === "recording");
    record.textContent = state === "recording" ? "■ Stop" : "● Record";
    record.setAttribute("aria-pressed", String(state === "recording"));
    block(record, state === "asking" || state === "sending");
  }

  function send(name, buffer, recorded) {
    parcel = { name, buffer, at: 0 };
    show("sending", `Sending ${name}`);
    model.send({ type: "begin", name, size: buffer.byteLength, recorded });
  }

  function sendPart() {
    const part = parcel.buffer.slice(parcel.at, parcel.at + model.get("part_bytes"));
    parcel.at += part.byteLength;
    const percent = Math.round((100 * parcel.at) / Math.max(parcel.buffer.byteLength, 1));
    line.textContent = `Sending ${parcel.name}: ${percent} %`;
    model.send({ type: "part" }, undefined, [part]);
  }

  function hear(message) {
    if (!parcel) return;
    if (message.type === "next") {
      sendPart();
      return;
    }
    // Python tells, below, what was kept or why it was not.
    parcel = null;
    show("idle", "");
  }

  async function takeFile() {
    const [file] = picker.files;
    picker.value = "";
    if (!file) return;
    if (file.size > model.get("most_bytes")) {
      // Python tells why; only the size is sent.
      parcel = { name: file.name, buffer: new ArrayBuffer(0), at: 0 };
      model.send({ type: "begin", name: file.name, size: file.size, recorded: false });
      return;
    }
    try {
      send(file.name, await file.arrayBuffer(), false);
    } catch {
      show("idle", `The browser could not read ${file.name}. Choose it again.`);
    }
  }

  function cancel() {
    parcel = null;
    model.send({ type: "cancel" });
    show("idle", "Cancelled; nothing was kept.");
  }

  function measure(block) {
    let peak = 0;
    for (const sample of block) peak = Math.max(peak, Math.abs(sample));
    return 20 * Math.log10(Math.max(peak, 1e-6));
  }

  function take(block) {
    if (!capture) return;
    capture.blocks.push(block);
    capture.count += block.length;
    capture.peak = Math.max(capture.peak - 0.4, measure(block));
    const seconds = capture.count / capture.context.sampleRate;
    if (seconds >= model.get("longest_s")) stop();
  }

  function follow() {
    if (!capture) return;
    meter.value = Math.max(capture.peak, SILENT_DB);
    const seconds = capture.count / capture.context.sampleRate;
    const loud = capture.peak > LOUD_DB ? ", too loud" : "";
    clock.textContent = `${seconds.toFixed(1)} of ${model.get("longest_s")} s, ${Math.round(capture.peak)} dB${loud}`;
    requestAnimationFrame(follow);
  }

  function release() {
    const held = capture;
    capture = null;
    held?.stream.getTracks().forEach((track) => track.stop());
    held?.context.close();
    return held;
  }

  async function start() {
    if (!navigator.mediaDevices?.getUserMedia || !window.AudioWorkletNode) {
      show("idle", INSECURE);
      return;
    }
    show("asking", "Waiting for the browser's leave to use the microphone.");
    let stream = null;
    let context = null;
    try {
      // What tidies speech would change the sound that is to be studied.
      const plain = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
      context = new AudioContext();
      await context.resume();
      const code = URL.createObjectURL(new Blob([CAPTURE], { type: "text/javascript" }));
      await context.audioWorklet.addModule(code);
      URL.revokeObjectURL(code);
      if (!root.isConnected) throw new Error("the widget is gone");
      const settings = { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" };
      const node = new AudioWorkletNode(context, "esclab-capture", settings);
      node.port.onmessage = (event) => take(event.data);
      context.createMediaStreamSource(stream).connect(node);
      stream.getAudioTracks()[0].onended = () => capture && stop();
      capture = { stream, context, node, blocks: [], count: 0, peak: SILENT_DB };
      show("recording", "");
      follow();
    } catch (error) {
      stream?.getTracks().forEach((track) => track.stop());
      context?.close();
      show("idle", REFUSALS[error.name] || `The microphone cannot be used (${error.name}: ${error.message}).`);
    }
  }

  function stop() {
    const rate = capture.context.sampleRate;
    const { blocks } = release();
    send(nameRecording(), writeWav(blocks, rate), true);
  }

  press(choose, () => (state === "sending" ? cancel() : picker.click()));
  press(record, () => (state === "recording" ? stop() : start()));
  picker.addEventListener("change", takeFile);
  model.on("msg:custom", hear);
  show("idle", "");
  return () => {
    model.off("msg:custom", hear);
    release();
  };
}

export default { render };
