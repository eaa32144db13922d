// Pages of items: what was opened or ticked stays so when a part is fetched anew; ticking all; printing.
"use strict";
(function () {
  var kept = { open: [], ticked: [] };

  function ids(selector) {
    return Array.prototype.map.call(document.querySelectorAll(selector), function (one) { return one.id; });
  }

  function prepare() {
    document.querySelectorAll(".js-only[hidden]").forEach(function (one) { one.hidden = false; });
  }

  document.addEventListener("htmx:beforeSwap", function () {
    kept = { open: ids("main details[id][open]"), ticked: ids("main input[type=checkbox][id]:checked") };
  });
  document.addEventListener("htmx:afterSwap", function () {
    kept.open.forEach(function (id) { var one = document.getElementById(id); if (one) { one.open = true; } });
    kept.ticked.forEach(function (id) { var one = document.getElementById(id); if (one) { one.checked = true; } });
    prepare();
  });
  document.addEventListener("change", function (event) {
    if (!event.target.hasAttribute("data-tick-all")) { return; }
    document.querySelectorAll("input[type=checkbox][name=item]").forEach(function (one) {
      one.checked = event.target.checked;
    });
  });
  document.addEventListener("click", function (event) {
    if (event.target.closest && event.target.closest("[data-print]")) { window.print(); }
  });
  prepare();
})();
