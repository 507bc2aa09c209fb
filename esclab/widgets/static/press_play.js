// Plays the sound of the explorer that it stands in, each time `wanted` rises. Space and the button stop it.

function render({ model, el }) {
  el.hidden = true;
  const press = () => {
    const button = el.closest(".esclab-explorer")?.querySelector(".esclab-sound-play");
    if (button && button.getAttribute("aria-pressed") !== "true") button.click();
  };
  model.on("change:wanted", () => requestAnimationFrame(press));
}

export default { render };
