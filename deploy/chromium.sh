#!/bin/sh
# A browser for tests/browser: Debian's Chromium and Chinese fonts, installed where that may be done (root, apt-get).
# Never fails: without a browser these tests say why they are skipped, and fail under CI or DULIAN_CI.
missing=
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null 2>&1; then found=$name; break; fi
done
[ -n "${found:-}" ] || missing=chromium
if command -v fc-list >/dev/null 2>&1 && [ -z "$(fc-list :lang=zh-cn 2>/dev/null)" ]; then
  missing="$missing fonts-noto-cjk"
elif ! command -v fc-list >/dev/null 2>&1 && [ -n "$missing" ]; then
  missing="$missing fonts-noto-cjk"
fi
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "提示：浏览器测试还需要 $missing；请用 root 安装：apt-get install $missing" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 -- names, one a word
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null 2>&1; then
  echo "提示：未能安装 $missing，浏览器测试将说明原因后跳过（检查提交时则不通过）。" >&2
fi
exit 0
