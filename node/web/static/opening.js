// The office picker: what is ticked moves up to the chosen ones at once, so that the next search does not lose it.
"use strict";
(function () {
  function part(name) { return document.getElementById(name); }

  function count() {
    var chosen = part("picker-chosen"), table = document.querySelector("table[data-chosen]");
    if (!chosen || !table) { return; }
    table.querySelector("[data-count]").textContent = chosen.querySelectorAll("input[name=to]:checked").length;
    table.hidden = !chosen.children.length;
  }

  function isChosen(code) {
    return Array.prototype.some.call(part("picker-chosen").querySelectorAll("input[name=to]"), function (box) {
      return box.value === code;
    });
  }

  function choose(row) {
    row.querySelector("input[name=to]").checked = true;
    part("picker-chosen").appendChild(row);
  }

  function tidy() {
    if (!part("picker-found")) { return; }
    part("picker-found").querySelectorAll("input[name=to]").forEach(function (box) {
      if (isChosen(box.value)) { box.closest("tr").remove(); }
    });
    var all = part("picker-found").querySelector("[data-pick-all]");
    if (all) { all.hidden = part("picker-found").querySelectorAll("input[name=to]").length < 2; }
    count();
  }

  document.addEventListener("change", function (event) {
    var field = event.target, row = field.closest ? field.closest("#picker tr") : null;
    if (!row || !part("picker-chosen")) { return; }
    var box = row.querySelector("input[name=to]");
    if (field.name === "lead" && field.checked && !box.checked) { box.checked = true; }
    if (box.checked && !part("picker-chosen").contains(row)) {
      part("picker-chosen").appendChild(row);
      field.focus();
    }
    if (!box.checked) {
      var lead = row.querySelector("input[name=lead]");
      if (lead.checked) { document.querySelector("#picker .no-lead input").checked = true; }
    }
    count();
  });
  // Enter in a one-line field would press the first button of the form, which is the search.
  document.addEventListener("keydown", function (event) {
    var field = event.target;
    if (event.key !== "Enter" || field.tagName !== "INPUT" || /^(submit|button)$/.test(field.type)) { return; }
    if (field.form && field.form.querySelector("#picker")) { event.preventDefault(); }
    if (field.id === "f-find") { window.htmx.trigger(field, "search"); }
  });
  document.addEventListener("click", function (event) {
    if (!event.target.hasAttribute("data-pick-all")) { return; }
    part("picker-found").querySelectorAll("tbody tr").forEach(choose);
    tidy();
    part("f-find").focus();
  });
  // The search button does not need the whole page.
  document.addEventListener("click", function (event) {
    if (event.target.name === "look" && window.htmx) {
      event.preventDefault();
      window.htmx.trigger(part("f-find"), "search");
    }
  });
  document.addEventListener("htmx:afterSwap", tidy);
  tidy();
})();
