// The reference of all routes, drawn by the local Swagger UI.
const place = document.getElementById("swagger");

window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
  presets: [window.SwaggerUIBundle.presets.apis],
  requestInterceptor: (request) => {
    const token = document.cookie.match(/fleetune_[^=]*_csrf=([^;]+)/);
    if (token) request.headers["X-CSRFToken"] = token[1];
    return request;
  },
});
