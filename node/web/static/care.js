// Copying a secret that is shown once: selects it, and puts it on the clipboard where the browser lets us.
"use strict";
document.addEventListener("click", function (event) {
  var button = event.target.closest && event.target.closest("[data-copy]");
  if (!button) { return; }
  var field = document.getElementById(button.getAttribute("data-copy"));
  if (!field) { return; }
  field.focus();
  field.select();
  var done = false;
  try { done = document.execCommand("copy"); } catch (error) { done = false; }
  button.textContent = done ? "已复制" : "已选中，请按 Ctrl+C";
});
