// Keys of the explorer around this widget. JupyterLab's shortcuts of one letter or arrow would otherwise act on the
// notebook while the focus is on a list, a slider or a button in here; those with Ctrl, Alt or Cmd still do.

const FIELDS = "input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, [contenteditable=true]";
const PRESSED = "button, a, select:not([size]), input, [role=button], .esclab-sound-glass, audio";
const NOTEBOOK = ["Escape", "Shift Enter"];

function render({ model, el }) {
  const line = document.createElement("span");
  line.className = "esclab-keys";
  line.style.cssText = "color: var(--jp-ui-font-color2, #5a5a5a); font-size: 12px; padding-left: 8px";
  line.textContent = model.get("hint");
  el.append(line);
  let explorer = null;
  let frame = 0;

  function act(event) {
    const { key, target } = event;
    if (target.closest(FIELDS)) return;
    if (key === " ") {
      if (target.closest(PRESSED)) return;
      event.preventDefault();
      explorer.querySelector(".esclab-sound-play")?.click();
      // A list finds its entries by their letters.
    } else if (model.get("letters").includes(key) && !target.closest("select")) {
      event.preventDefault();
      model.send({ type: "key", key });
    }
  }

  function press(event) {
    const name = `${event.shiftKey ? "Shift " : ""}${event.key}`;
    if (event.ctrlKey || event.altKey || event.metaKey || NOTEBOOK.includes(name)) return;
    act(event);
    event.stopPropagation();
  }

  // The explorer is there once all its widgets are.
  function seek() {
    explorer = el.closest(".esclab-explorer");
    if (explorer) explorer.addEventListener("keydown", press);
    else frame = requestAnimationFrame(seek);
  }
  seek();
  return () => {
    cancelAnimationFrame(frame);
    explorer?.removeEventListener("keydown", press);
  };
}

export default { render };
