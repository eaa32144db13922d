"""Who may sign in to the console: credentials, one-time links, sessions, failed attempts. Rows only, no HTTP.

Rules of this file:

1. There is no password that comes with the program: the first operator is made through a one-time link that only who
   runs the node can ask for (`dulian console link`, faults.md W17).
2. Names of secrets only: of a session id, a link or a form's key the store has the SHA-256.
3. Failed attempts delay the next one, for the account and for the address, twice as long each time (W7); an account
   that does not exist is treated alike.
4. A session ends by idleness, by age, by signing out, with a new password, and at once when the account is disabled.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from node.clock import iso
from node.errors import InputError, NotFoundError
from node.records.limits import NAME_CHARS_MAX
from node.records.payload import check_line
from node.services.access import console_audit
from node.services.access.rights import OPERATOR
from node.services.matters.desk import Caller, take
from node.services.office import Office
from node.services.verbs import Args, Command, Question
from node.storage.port import (
    Credential,
    LoginFailure,
    OneTimeLink,
    Reader,
    Store,
    User,
    WebSession,
)

SECRET_BYTES = 32
LINK_LIFE_MS = 24 * 3_600_000
SESSION_IDLE_MS = 2 * 3_600_000  # a lunch, not an evening
SESSION_LIFE_MS = 12 * 3_600_000  # a working day
SEEN_STEP_MS = 60_000  # a session's last use is written so often
SESSIONS_PER_ACCOUNT_MAX = 8  # a person's machines; the oldest ends
_FREE_BY_ACCOUNT, _FREE_BY_ADDRESS = 3, 10  # offices share an address
_DELAY_MS, _DELAY_MS_MAX = 1_000, 900_000
_FORGET_MS = 24 * 3_600_000
_SUBJECTS_MAX = 10_000  # rows that strangers can cause


def digest_of(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def new_secret() -> str:
    """256 unpredictable bits, as text for addresses and cookies."""
    return secrets.token_urlsafe(SECRET_BYTES)


# -- one-time links ---------------------------------------------------------------------------------------------------


def has_operator(reader: Reader) -> bool:
    """Whether an operator can sign in."""
    names = {row.name for row in reader.rows(Credential)}
    return any(user.active and OPERATOR in user.roles.split(",") and user.name in names for user in reader.rows(User))


def make_link(office: Office, args: Args, caller: Caller) -> dict[str, object]:
    """`console link [NAME]`: a way in for an account, or to the first operator. InputError, NotFoundError."""
    store, now_ms = office.store, office.world.clock.now_ms()
    name = take(args, "name").strip()
    if name:
        user = store.get(User, name)
        if user is None:
            remedy = f"先增加账号：dulian user add {name} --role 角色；已有账号见 dulian user list"
            raise NotFoundError("没有这个账号", field="NAME", value=name, remedy=remedy)
        if not user.active:
            remedy = "用 dulian user list 查看在用的账号"
            raise InputError("账号已停用", field="NAME", value=name, remedy=remedy)
    elif has_operator(store):
        remedy = "写明账号：dulian console link 姓名"
        raise InputError("已有操作员账号，不再建立首个操作员", field="NAME", remedy=remedy)
    for link in store.rows(OneTimeLink):
        if link.name == name or link.expires_ms < now_ms:
            store.delete(OneTimeLink, link.digest)  # of several links for one account the newest is good
    token = new_secret()
    store.put([OneTimeLink(digest_of(token), name, now_ms + LINK_LIFE_MS, 0)])
    console_audit.note(store, now_ms, caller.name, "本机", "console.link", name or "首个操作员")
    return {"token": token, "name": name or None, "expires_at": iso(now_ms + LINK_LIFE_MS)}


def open_link(reader: Reader, token: str, now_ms: int) -> OneTimeLink:
    """What a link stands for; NotFoundError where it is used, expired or none of ours."""
    link = reader.get(OneTimeLink, digest_of(token))
    if link is None or link.used_ms or link.expires_ms <= now_ms or (not link.name and has_operator(reader)):
        remedy = "用 dulian console link 再给一个链接"
        raise NotFoundError("链接无效、已用过或已过期", field="链接", remedy=remedy)
    return link


def use_link(store: Store, token: str, name: str, secret: str, now_ms: int, address: str) -> User:
    """Set the password a link is for; where it is for the first operator, make the account. NotFoundError."""
    link = open_link(store, token, now_ms)
    if link.name:
        user = store.get(User, link.name)
        if user is None or not user.active:
            raise NotFoundError("账号已停用", field="链接", remedy="请操作员恢复账号后再给一个链接")
    else:
        user = _first_operator(store, name, now_ms)
    store.put([OneTimeLink(link.digest, link.name, link.expires_ms, now_ms)])
    set_secret(store, user.name, secret, now_ms)
    store.delete(LoginFailure, _account(user.name))
    console_audit.note(store, now_ms, user.name, address, "console.password", user.name, "一次性链接")
    return user


def _first_operator(store: Store, name: str, now_ms: int) -> User:
    checked = check_line(name.strip(), "姓名", NAME_CHARS_MAX)
    if not checked or set(checked) & set(",，、") or checked.startswith("-"):
        raise InputError("姓名不能为空，不能含逗号、顿号", field="name", value=name, remedy="写明姓名")
    known = store.get(User, checked)
    roles = known.roles.split(",") if known is not None and known.active and known.roles else []
    user = User(
        checked, ",".join(dict.fromkeys([OPERATOR, *roles])), known.posts if known else "", known.unit if known else "",
        active=True, since_ms=known.since_ms if known else now_ms,
    )  # fmt: skip
    store.put([user])
    return user


def set_secret(store: Store, name: str, secret: str, now_ms: int) -> None:
    """Another password; whoever is signed in under the account is so no longer."""
    store.put([Credential(name, secret, now_ms)])
    for session in store.rows(WebSession, name=name):
        store.delete(WebSession, session.digest)


# -- failed attempts --------------------------------------------------------------------------------------------------


def _account(name: str) -> str:
    return "account:" + hashlib.sha256(name.encode()).hexdigest()[:32]  # what strangers type is not kept


def _subjects(name: str, address: str) -> tuple[tuple[str, int], ...]:
    return (_account(name), _FREE_BY_ACCOUNT), (f"address:{address}", _FREE_BY_ADDRESS)


def blocked_until_ms(reader: Reader, name: str, address: str) -> int:
    """Before when no attempt is looked at; 0 where one may be made now (compare with the clock)."""
    found = [reader.get(LoginFailure, subject) for subject, _ in _subjects(name, address)]
    return max((row.blocked_ms for row in found if row is not None), default=0)


def failed(store: Store, name: str, address: str, now_ms: int) -> None:
    """Note a failed attempt; from the third on (tenth of an address) the next has to wait, twice as long each time."""
    for subject, free in _subjects(name, address):
        known = store.get(LoginFailure, subject)
        if known is None and len(store.rows(LoginFailure)) >= _SUBJECTS_MAX:
            continue
        count = known.count + 1 if known is not None and now_ms - known.last_ms < _FORGET_MS else 1
        delay_ms = min(_DELAY_MS << min(count - free, 20), _DELAY_MS_MAX) if count >= free else 0
        store.put([LoginFailure(subject, count, now_ms, now_ms + delay_ms)])
    console_audit.note(store, now_ms, "", address, "console.login", name, "未通过")


# -- sessions ---------------------------------------------------------------------------------------------------------


def begin_session(store: Store, name: str, address: str, now_ms: int, secret: str, old: str = "") -> WebSession:
    """Sign in: a session under a fresh ``secret``; one that the browser showed before (``old``) ends (W6)."""
    if old:
        store.delete(WebSession, digest_of(old))
    mine = sorted(store.rows(WebSession, name=name), key=lambda row: row.seen_ms)
    for row in mine[: max(0, len(mine) - SESSIONS_PER_ACCOUNT_MAX + 1)]:
        store.delete(WebSession, row.digest)
    session = WebSession(digest_of(secret), name, now_ms, now_ms, address)
    store.put([session])
    store.delete(LoginFailure, _account(name))
    console_audit.note(store, now_ms, name, address, "console.login", name)
    return session


def session_of(reader: Reader, secret: str, now_ms: int) -> WebSession | None:
    """The session of a cookie, where it is still good."""
    row = reader.get(WebSession, digest_of(secret)) if secret else None
    if row is None or now_ms - row.seen_ms > SESSION_IDLE_MS or now_ms - row.made_ms > SESSION_LIFE_MS:
        return None
    return row


def end_session(store: Store, session: WebSession, now_ms: int) -> None:
    """Sign out."""
    store.delete(WebSession, session.digest)
    console_audit.note(store, now_ms, session.name, session.address, "console.logout", session.name)


def tidy(store: Store, now_ms: int) -> None:
    """Remove what has ended: sessions, links, failures."""
    for session in store.rows(WebSession):
        if now_ms - session.seen_ms > SESSION_IDLE_MS or now_ms - session.made_ms > SESSION_LIFE_MS:
            store.delete(WebSession, session.digest)
    for link in store.rows(OneTimeLink):
        if link.expires_ms <= now_ms:
            store.delete(OneTimeLink, link.digest)
    for failure in store.rows(LoginFailure):
        if now_ms - failure.last_ms > _FORGET_MS:
            store.delete(LoginFailure, failure.subject)


def find_account(reader: Reader, name: str) -> User | None:
    """An account that may sign in."""
    user = reader.get(User, name)
    return user if user is not None and user.active else None


COMMANDS: Mapping[str, Command] = {"console.link": make_link}
QUESTIONS: Mapping[str, Question] = {"console.audit": console_audit.list_entries}
