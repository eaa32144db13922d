// The console's own script: live refresh, drafts, double clicks, tables by keyboard. Everything works without it, too.
"use strict";
(function () {
  var body = document.body;

  function notice(text) {
    var box = document.getElementById("notice");
    if (box) { box.textContent = text; box.hidden = !text; }
  }

  // -- the session: it may end, or be another one, while a page lies open -------------------------------------------
  var ENDED = "登录已失效。请不要关闭本页：在新窗口登录后回到本页，再继续填写。";
  var ended = false;

  function meta(root, name) {
    var found = root.querySelector("meta[name=" + name + "]");
    return found ? found.content : "";
  }

  // Who has signed in again goes on with what is typed here; somebody else does not.
  function renew(then) {
    fetch("/account", { credentials: "same-origin", headers: { "X-Dulian-Live": "1" } }).then(function (answer) {
      return answer.ok && !answer.redirected ? answer.text() : "";
    }).then(function (text) {
      var page = new DOMParser().parseFromString(text, "text/html"), token = meta(page, "csrf");
      if (!meta(page, "account")) { ended = true; notice(ENDED); return; }
      if (meta(page, "account") !== meta(document, "account")) {
        notice("现在登录的是另一个账号，本页的内容不能提交。请用原来的账号登录。");
        return;
      }
      var fresh = token !== meta(document, "csrf");
      ended = false;
      notice("");
      document.querySelector("meta[name=csrf]").content = token;
      document.querySelectorAll("input[name=csrf]").forEach(function (field) { field.value = token; });
      if (then && fresh) { then(); }
    }).catch(function () { notice("联系不上节点，所示可能不是最新。"); });
  }

  // -- live: the server says what changed, the page asks for it anew ------------------------------------------------
  var source = null, quiet = null, late = {};
  var words = { on: "实时更新", wait: "重新连接", off: "未联通" };

  function state(name) {
    var shown = document.getElementById("live-state");
    if (!shown) { return; }
    shown.hidden = false;
    shown.setAttribute("data-state", name);
    shown.querySelector(".word").textContent = words[name];
  }

  function concerns(element, topic, data) {
    if ((element.getAttribute("data-live") || "").split(/\s+/).indexOf(topic) < 0) { return false; }
    var ids = (element.getAttribute("data-live-item") || "").split(/\s+/).filter(Boolean);
    return topic !== "items" || !ids.length || data.many || (data.ids || []).some(function (id) { return ids.indexOf(id) >= 0; });
  }

  function typing(element) {
    var active = document.activeElement;
    return active && element.contains(active) && /^(INPUT|TEXTAREA|SELECT)$/.test(active.tagName);
  }

  function refresh(element) {
    if (!element.id) { return; }
    if (typing(element)) { late[element.id] = true; return; }
    window.htmx.ajax("GET", element.getAttribute("data-live-url") || location.pathname + location.search, {
      target: "#" + element.id, select: "#" + element.id, swap: "outerHTML",
      headers: { "X-Dulian-Live": "1" }
    });
  }

  var waiting = {};
  function changed(topic, data) {
    document.querySelectorAll("[data-live]").forEach(function (element) {
      if (element === body || !element.id || waiting[element.id] || !concerns(element, topic, data)) { return; }
      // Several changes in one moment are one refresh.
      waiting[element.id] = setTimeout(function () {
        delete waiting[element.id];
        var now = document.getElementById(element.id);
        if (now) { refresh(now); }
      }, 150 + Math.random() * (data.spread || 0));
    });
    body.dispatchEvent(new CustomEvent("dulian:" + topic, { detail: data }));
  }

  function everything() {
    ["items", "links", "alarms"].forEach(function (topic) { changed(topic, { many: true }); });
  }

  function connect() {
    if (source || !body.getAttribute("data-live-url") || !window.EventSource) { return; }
    var lost = false;
    source = new EventSource(body.getAttribute("data-live-url"));
    source.onopen = function () { state("on"); if (lost) { everything(); } lost = false; };
    source.onerror = function () {
      state("wait"); lost = true;
      if (source && source.readyState === 2) { disconnect(); setTimeout(connect, 5000); }
    };
    ["items", "links", "alarms"].forEach(function (topic) {
      source.addEventListener(topic, function (event) { changed(topic, JSON.parse(event.data)); });
    });
    source.addEventListener("bye", function () { disconnect(); quiet = Date.now(); renew(); });
  }

  function disconnect() {
    if (source) { source.close(); source = null; }
    state("off");
  }

  // A page out of sight holds no connection: a browser has six of them to a host.
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) { disconnect(); quiet = Date.now(); return; }
    connect();
    if (ended) { renew(); }
    if (quiet) { quiet = null; everything(); }
  });
  document.addEventListener("focusout", function () {
    setTimeout(function () {
      Object.keys(late).forEach(function (id) {
        var element = document.getElementById(id);
        if (element && !typing(element)) { delete late[id]; refresh(element); }
      });
    }, 50);
  });
  window.addEventListener("pagehide", disconnect);

  // -- what had the focus has it again, also where it has no id (htmx sees to the others) ----------------------------
  var focused = null;

  function like(root, element) {
    var what = element.getAttribute("href") || element.name || element.textContent;
    return Array.prototype.filter.call(root.querySelectorAll(element.tagName), function (one) {
      return (one.getAttribute("href") || one.name || one.textContent) === what;
    });
  }

  document.addEventListener("htmx:beforeSwap", function (event) {
    var active = document.activeElement, target = event.detail.target;
    focused = null;
    if (!active || !target || !target.id || active.id || active === target || !target.contains(active)) { return; }
    focused = { root: target.id, element: active, place: like(target, active).indexOf(active) };
  });
  document.addEventListener("htmx:afterSwap", function () {
    var root = focused && document.getElementById(focused.root);
    if (root && !document.contains(focused.element)) {
      var found = like(root, focused.element);
      if (found.length) { found[Math.min(focused.place, found.length - 1)].focus({ preventScroll: true }); }
    }
    focused = null;
  });

  // -- drafts --------------------------------------------------------------------------------------------------------
  var PRIVATE = /^(password|file|hidden|submit|search)$/;
  var TICKED = /^(checkbox|radio)$/;

  // What was ticked or chosen of several is a list, also an empty one: a tick taken away is kept as well.
  function typed(form) {
    var found = {};
    Array.prototype.forEach.call(form.elements, function (field) {
      var type = field.type || "";
      if (!field.name || PRIVATE.test(type)) { return; }
      if (TICKED.test(type)) {
        found[field.name] = (found[field.name] || []).concat(field.checked ? [field.value] : []);
      } else if (type === "select-multiple") {
        found[field.name] = Array.prototype.filter.call(field.options, function (one) { return one.selected; })
          .map(function (one) { return one.value; });
      } else if (field.value) {
        found[field.name] = field.value;
      }
    });
    return JSON.stringify(found);
  }

  function watchDraft(form) {
    var saved = typed(form), sending = false, done = false;
    var shown = form.querySelector(".draft-state");
    function save() {
      var text = typed(form);
      if (done || sending || text === saved || !document.contains(form)) { return; }
      sending = true;
      var data = new URLSearchParams();
      data.set("csrf", document.querySelector("meta[name=csrf]").content);
      data.set("place", form.getAttribute("data-draft"));
      data.set("text", text);
      fetch("/drafts", { method: "POST", body: data, credentials: "same-origin", keepalive: text.length < 50000 })
        .then(function (answer) {
          sending = false;
          if (answer.ok) {
            saved = text;
            if (shown) { shown.textContent = "草稿已保存 " + new Date().toTimeString().slice(0, 5); }
          } else if (answer.status === 401) {
            ended = true;
            notice(ENDED);
          } else if (answer.status === 403) {
            renew(save);
          } else if (shown) { shown.textContent = "草稿没有保存"; }
        })
        .catch(function () { sending = false; if (shown) { shown.textContent = "联系不上节点，草稿没有保存"; } });
    }
    var timer = setInterval(function () { if (!document.contains(form)) { clearInterval(timer); } else { save(); } }, 4000);
    form.addEventListener("submit", function () { done = true; });
    document.addEventListener("visibilitychange", function () { if (document.hidden) { save(); } });
  }

  // -- one click, one record -----------------------------------------------------------------------------------------
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!form.hasAttribute("data-once")) { return; }
    if (form.hasAttribute("data-sent")) { event.preventDefault(); return; }
    form.setAttribute("data-sent", "");
    form.querySelectorAll("button[type=submit]").forEach(function (button) {
      button.setAttribute("aria-disabled", "true");
      button.classList.add("htmx-request");
    });
  });
  // A page shown again from the browser's memory may be sent again; its once-key still makes one record of it.
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { form.removeAttribute("data-sent"); });
  });

  // -- tables by keyboard: up and down between rows, Enter opens ------------------------------------------------------
  document.addEventListener("keydown", function (event) {
    var row = event.target.closest ? event.target.closest("table[data-grid] tbody tr") : null;
    if (event.key === "Escape") {
      document.querySelectorAll("details.menu[open], details.dialog[open]").forEach(function (open) {
        open.open = false;
        open.querySelector("summary").focus();
      });
      return;
    }
    if (!row || (event.key !== "ArrowDown" && event.key !== "ArrowUp") || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) { return; }
    var next = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
    var link = next && next.querySelector("a, button");
    if (link) { event.preventDefault(); link.focus(); }
  });
  document.addEventListener("dblclick", function (event) {
    var row = event.target.closest ? event.target.closest("tr[data-href]") : null;
    if (row && !window.getSelection().toString()) { location.assign(row.getAttribute("data-href")); }
  });

  // -- set-up --------------------------------------------------------------------------------------------------------
  function prepare(root) {
    root.querySelectorAll("form[data-draft]").forEach(function (form) {
      if (!form.hasAttribute("data-watched")) { form.setAttribute("data-watched", ""); watchDraft(form); }
    });
  }
  prepare(document);
  document.addEventListener("htmx:afterSwap", function () { prepare(document); });
  document.addEventListener("htmx:responseError", function (event) {
    if (event.detail.xhr.status === 401) { notice("登录已失效，请重新登录。"); }
  });
  document.addEventListener("htmx:sendError", function () { notice("联系不上节点，所示可能不是最新。"); });
  document.addEventListener("htmx:afterRequest", function (event) { if (event.detail.successful) { notice(""); } });
  if (!document.hidden) { connect(); }
})();
