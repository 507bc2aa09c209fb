// A figure of plotly. Its script is read once a page, from the one widget that holds it. Reading it may take longer than
// the two seconds that a widget has to begin, so what comes meanwhile is noted, and told to plotly when it is there.
const MESSAGES = ["addTraces", "restyle", "relayout", "update", "animate", "deleteTraces", "moveTraces",
  "removeLayoutProps", "removeTraceProps"].map((name) => `_py2js_${name}`);

async function read(manager, name) {
  while (!manager.has_model(name)) await new Promise((resolve) => setTimeout(resolve, 50));
  const source = (await manager.get_model(name)).get("source");
  const script = new Blob([source]).stream().pipeThrough(new DecompressionStream("gzip"));
  const address = URL.createObjectURL(new Blob([await new Response(script).blob()], { type: "text/javascript" }));
  return import(address).finally(() => URL.revokeObjectURL(address));
}

function load(model) {
  globalThis.esclabPlotly ??= read(model.widget_manager, model.get("library")).catch((error) => {
    globalThis.esclabPlotly = undefined; // the next figure tries again
    throw error;
  });
  return globalThis.esclabPlotly;
}

async function begin(model, settings) {
  const late = [];
  const note = MESSAGES.map((name) => [name, () => late.push([name, model.get(name)])]);
  note.forEach(([name, listener]) => model.on(`change:${name}`, listener));
  const figure = (await load(model)).default();
  note.forEach(([name, listener]) => model.off(`change:${name}`, listener));
  figure.initialize(settings);
  for (const [name, value] of late) {
    model.set(name, null);
    model.set(name, value);
  }
  return figure;
}

export default () => {
  let figure;
  return {
    initialize(settings) {
      figure = begin(settings.model, settings);
    },
    async render(settings) {
      const remove = (await figure).render(settings);
      // Plotly looks at its figure once more when a drawing ends, which must be before the figure is taken apart.
      return async () => {
        await Promise.allSettled(settings.el._promises ?? []);
        setTimeout(remove);
      };
    },
  };
};
