#!/bin/sh
# 督联 Dulian: installs from the unpacked offline archive, without network.
#   sh install.sh [--prefix DIR] [--bindir DIR] [--python PATH] [--no-service]
# Each release gets a folder of its own below PREFIX/releases; a half-finished one is never switched to. Running it
# again is harmless. Data below /var/lib/dulian is never touched.
set -eu
umask 022    # the service runs as a user of its own and must be able to read what root installs

PREFIX=/opt/dulian
BINDIR=/usr/local/bin
DATA=/var/lib/dulian
CHOSEN=
SERVICE=yes

say() { printf '%s\n' "$*"; }
fail() {    # what went wrong, then the remedy
  printf '安装失败：%s\n' "$1" >&2
  printf '处理办法：%s\n' "$2" >&2
  exit 2
}
value() { [ "$2" -ge 2 ] || fail "选项 $1 缺少取值。" "在 $1 之后写明取值，例如：sh install.sh --prefix /opt/dulian"; }

while [ $# -gt 0 ]; do
  case "$1" in
    --prefix) value "$1" $#; PREFIX=$2; shift 2 ;;
    --bindir) value "$1" $#; BINDIR=$2; shift 2 ;;
    --python) value "$1" $#; CHOSEN=$2; shift 2 ;;
    --no-service) SERVICE=no; shift ;;
    -h|--help)
      say "用法：sh install.sh [--prefix 目录] [--bindir 目录] [--python 解释器] [--no-service]"
      say "  --prefix      程序目录，默认 /opt/dulian"
      say "  --bindir      dulian 命令所在目录，默认 /usr/local/bin"
      say "  --python      指定 Python 解释器"
      say "  --no-service  不安装 systemd 服务"
      exit 0 ;;
    *) fail "不认识的选项 $1。" "运行 sh install.sh --help 查看可用选项。" ;;
  esac
done
case "$PREFIX$BINDIR" in *[!A-Za-z0-9/._-]*) fail "目录名含有空格或特殊字符：$PREFIX $BINDIR" "改用只含字母、数字、/ . _ - 的绝对路径。" ;; esac
case "$PREFIX" in /*) ;; *) fail "--prefix 不是绝对路径：$PREFIX" "改用以 / 开头的路径。" ;; esac
case "$BINDIR" in /*) ;; *) fail "--bindir 不是绝对路径：$BINDIR" "改用以 / 开头的路径。" ;; esac

# ------------------------------------------------------------------------------------------- is the archive whole?
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE"
command -v sha256sum >/dev/null 2>&1 || fail "系统缺少 sha256sum 命令，无法核对安装包。" "安装系统自带的 coreutils 软件包。"
[ -f SHA256SUMS ] || fail "安装包不完整：缺少 SHA256SUMS。" "重新解压安装包，再运行其中的 install.sh。"
if ! wrong=$(sha256sum --quiet --check SHA256SUMS 2>/dev/null); then
  fail "安装包已损坏或被改动：$(printf '%s' "$wrong" | sed 's/: [^:]*$//' | tr '\n' ' ')" "重新复制并解压安装包；仍然如此，请向提供方索取新的安装包。"
fi
for wheel in wheels/*; do
  grep -qF "  $wheel" SHA256SUMS || fail "安装包中有来历不明的文件：$wheel" "重新解压安装包到一个空目录。"
done
# shellcheck source=/dev/null
. ./release     # VERSION, PYTHON, MACHINE

# --------------------------------------------------------------------------------------------- does it fit here?
[ "$(uname -s)" = Linux ] || fail "本安装包只用于 Linux，本机是 $(uname -s)。" "在 Linux 服务器上安装。"
[ "$(uname -m)" = "$MACHINE" ] || fail "安装包适用于 $MACHINE，本机是 $(uname -m)。" "使用名称中带 $(uname -m) 的安装包。"
WITH_SERVICE=no
if [ "$SERVICE" = yes ] && [ "$(id -u)" = 0 ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
  WITH_SERVICE=yes
fi
suits() {
  "$1" -c "import sys, venv, ssl, sqlite3; sys.exit('%d.%d' % sys.version_info[:2] != '$PYTHON')" >/dev/null 2>&1 &&
    others_can "$1"
}
others_can() {    # an interpreter in root's own folder would start for root and not for the service
  [ "$WITH_SERVICE" = no ] || ! command -v runuser >/dev/null 2>&1 || runuser -u nobody -- "$1" -c "" >/dev/null 2>&1
}
FOUND=
for candidate in ${CHOSEN:-python$PYTHON python3 "/usr/bin/python$PYTHON" "/usr/local/bin/python$PYTHON"}; do
  if suits "$candidate"; then FOUND=$candidate; break; fi
done
[ -n "$FOUND" ] || fail "未找到可用的 Python $PYTHON（需含 venv、ssl、sqlite3 模块；装系统服务时须其他用户也能运行）${CHOSEN:+：$CHOSEN}。" \
  "从系统安装光盘或软件源安装 Python $PYTHON，或用 --python 指定；本机是其他版本时，使用名称中带相应 cp3xx 的安装包。"

# ------------------------------------------------------------------------------------------------------- install
mkdir -p "$PREFIX/releases" 2>/dev/null && [ -w "$PREFIX/releases" ] || fail "不能写入程序目录 $PREFIX。" \
  "用 root 运行，或用 --prefix 和 --bindir 指定本用户可写的目录。"
mkdir -p "$BINDIR" 2>/dev/null && [ -w "$BINDIR" ] || fail "不能写入命令目录 $BINDIR。" "用 root 运行，或用 --bindir 指定可写的目录。"
LINK=$BINDIR/dulian
if [ -e "$LINK" ] && [ ! -L "$LINK" ]; then
  fail "$LINK 已存在，且不是本程序建立的链接。" "移走该文件，或用 --bindir 指定其他目录。"
fi

RELEASE=$PREFIX/releases/$VERSION-$(sha256sum SHA256SUMS | cut -c1-12)
if [ -f "$RELEASE/complete" ]; then
  say "督联 $VERSION 已经安装，不再重复安装。"
else
  trap 'rm -rf "$RELEASE"' EXIT
  trap 'exit 130' INT TERM
  rm -rf "$RELEASE"
  say "正在安装督联 $VERSION 到 $RELEASE ……"
  "$FOUND" -m venv --without-pip "$RELEASE" || fail "不能建立运行环境。" "检查 $PREFIX 所在磁盘的剩余空间（需 300 MB）和权限。"
  for installer in wheels/pip-*.whl; do
    # The offices have no internet, and no setting of this machine may make pip look anywhere else.
    env -i PATH="$PATH" HOME="$RELEASE" LANG=C.UTF-8 "$RELEASE/bin/python" "$installer/pip" --isolated install \
      --quiet --disable-pip-version-check --no-cache-dir --no-index --find-links wheels --only-binary :all: \
      --require-hashes --requirement requirements.txt \
      || fail "不能安装程序文件，原因见上。" "检查磁盘剩余空间（需 300 MB）；系统 glibc 须为 2.28 或更高版本（ldd --version 可查看）。"
  done
  "$RELEASE/bin/dulian" --version >/dev/null || fail "程序装好后不能启动，原因见上。" "把以上信息发给提供方。"
  cp RUNBOOK.md 安装说明.md "$RELEASE/"    # what alarms name must be found when the archive is long gone
  : > "$RELEASE/complete"
  trap - EXIT INT TERM
fi
ln -sfn "$RELEASE" "$PREFIX/current"
ln -sfn "$PREFIX/current/bin/dulian" "$LINK"

# ------------------------------------------------------------------------------------------------------- service
if [ "$WITH_SERVICE" = yes ]; then
  id dulian >/dev/null 2>&1 || useradd --system --user-group --home-dir "$DATA" --no-create-home \
    --shell /usr/sbin/nologin dulian || fail "不能建立系统用户 dulian。" "由系统管理员建立用户 dulian 后重新运行本程序。"
  [ -e "$DATA" ] || install -d -m 0700 -o dulian -g dulian "$DATA"
  sed "s|@BINDIR@|$BINDIR|" dulian.service > /etc/systemd/system/dulian.service
  systemctl daemon-reload
  say "已安装系统服务 dulian（尚未启动）。加入联网后运行：systemctl enable --now dulian"
else
  say "未安装系统服务（需要 root 权限和 systemd）；可在前台运行：$LINK serve --home 数据目录"
fi
say "安装完成：$LINK"
case ":$PATH:" in *":$BINDIR:"*) ;; *) say "$BINDIR 不在 PATH 中：用全路径 $LINK，或把它加进 PATH。" ;; esac
say "下一步见 安装说明.md。"
