// Charts (ECharts) from data-chart attributes, and pages that fetch their own figures again. Without it the tables say all.
"use strict";
(function () {
  var drawn = {};

  function option(data) {
    var ink = data.dark ? "#dbe6f3" : "#1d2733", line = data.dark ? "#2c4566" : "#cfd6de", many = data.labels.length > 8;
    var size = data.dark ? 18 : 12;
    return {
      animation: false,
      textStyle: { color: ink, fontSize: size, fontFamily: '"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif' },
      tooltip: { trigger: "axis", renderMode: "richText", confine: true, axisPointer: { type: "shadow" } },
      legend: { top: 0, textStyle: { color: ink, fontSize: size }, itemWidth: 16 },
      grid: { left: 8, right: 12, top: data.dark ? 44 : 34, bottom: 4, containLabel: true },
      xAxis: {
        type: "category", data: data.labels, axisLine: { lineStyle: { color: line } }, axisTick: { show: false },
        axisLabel: { color: ink, fontSize: size, interval: many ? "auto" : 0, rotate: many && !data.dark ? 35 : 0, width: 90, overflow: "truncate" }
      },
      yAxis: {
        type: "value", minInterval: data.unit ? 0 : 1, max: data.unit === "%" ? 100 : null,
        axisLabel: { color: ink, fontSize: size, formatter: "{value}" + (data.unit || "") }, splitLine: { lineStyle: { color: line } }
      },
      series: data.series.map(function (one) {
        return {
          type: "bar", name: one.name, data: one.data, stack: data.stack ? "all" : null, barMaxWidth: data.dark ? 46 : 28,
          itemStyle: { color: one.colour, borderColor: data.dark ? "#0b1a2e" : "#5b6672", borderWidth: 1 }
        };
      })
    };
  }

  function draw() {
    if (!window.echarts) { return; }
    Object.keys(drawn).forEach(function (id) {
      if (!document.contains(drawn[id].chart.getDom())) { drawn[id].chart.dispose(); delete drawn[id]; }
    });
    document.querySelectorAll("[data-chart]").forEach(function (box) {
      var text = box.getAttribute("data-chart"), known = drawn[box.id];
      if (known && known.text === text) { return; }
      // One instance for a box as long as the page stands: a screen on a wall runs for days.
      if (!known) { known = drawn[box.id] = { chart: window.echarts.init(box, null, { renderer: "canvas" }) }; }
      known.text = text;
      known.chart.setOption(option(JSON.parse(text)), true);
    });
  }

  // -- the page's own figures, again and again: the parts keep their places, only what is in them changes ---------------
  function refresh(root) {
    var every = Number(root.getAttribute("data-refresh")) * 1000, state = document.getElementById("refresh-state");
    function say(text) { if (state && state.textContent !== text) { state.textContent = text; } }
    function take(text) {
      var page = new DOMParser().parseFromString(text, "text/html");
      document.querySelectorAll("[data-part]").forEach(function (part) {
        var fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== part.innerHTML) {
          part.textContent = "";
          Array.prototype.slice.call(fresh.childNodes).forEach(function (node) { part.appendChild(document.importNode(node, true)); });
        }
      });
      document.querySelectorAll("[data-chart]").forEach(function (box) {
        var fresh = page.getElementById(box.id);
        if (fresh) {
          box.setAttribute("data-chart", fresh.getAttribute("data-chart"));
          box.setAttribute("aria-label", fresh.getAttribute("aria-label"));
        }
      });
      draw();
    }
    function again() {
      if (document.hidden) { setTimeout(again, 5000); return; }
      var cut = new AbortController(), late = setTimeout(function () { cut.abort(); }, 25000);
      var headers = { "HX-Request": "true" };
      if (root.hasAttribute("data-quiet")) { headers["X-Dulian-Live"] = "1"; }
      fetch(location.pathname + location.search, { headers: headers, credentials: "same-origin", signal: cut.signal, cache: "no-store" })
        .then(function (answer) {
          if (answer.status === 401) { say("登录已失效，请返回重新登录。所示可能不是最新。"); return null; }
          if (answer.status === 404) { location.reload(); return null; } // a screen whose link was ended shows no old figures
          if (!answer.ok) { throw new Error(String(answer.status)); }
          return answer.text();
        })
        .then(function (text) { if (text) { take(text); say(""); } })
        .catch(function () { say("联系不上节点，所示可能不是最新。"); })
        .then(function () { clearTimeout(late); setTimeout(again, every); });
    }
    setTimeout(again, every);
  }

  draw();
  document.querySelectorAll("[data-refresh]").forEach(refresh);
  var resized = null;
  window.addEventListener("resize", function () {
    clearTimeout(resized);
    resized = setTimeout(function () { Object.keys(drawn).forEach(function (id) { drawn[id].chart.resize(); }); }, 200);
  });
})();
