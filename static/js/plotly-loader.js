/* Plotly is large: it is loaded once, when the first chart comes near. */

let loading = null;

export function loadPlotly(url) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => {
      loading = null;
      reject(new Error(gettext("The chart library did not load.")));
    });
    document.head.append(script);
  });
  return loading;
}
