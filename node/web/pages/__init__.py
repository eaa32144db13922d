"""The pages of the console. Every module of this package that has ``PAGES`` is found by itself.

How to write a page
===================

A module holds one group of pages: handlers, the specs of its forms, ``PAGES``. A handler asks the gateway, and renders.
It contains no rule: what may be done, and why not, the services say (`node.services`).

Example, ``node/web/pages/urging.py``::

    from starlette.responses import Response
    from node.web.forms import Field
    from node.web.page import Page
    from node.web.request import WebRequest

    URGE = (
        Field("reason", "催办意见", "text", required=True, help="写明催办的理由和要求", arg="text"),
        Field("attach", "附件", "files"),
    )

    async def show(request: WebRequest) -> Response:
        item = await request.ask("item.show", item=request.part("item"))   # as the CLI's --json
        place = f"urge/{item['id']}"
        form = await request.blank(URGE, item=item["id"], draft=place)
        return request.render("urging/form.html", item=item, form=form)

    async def send(request: WebRequest) -> Response:
        item = request.part("item")
        form = await request.form(URGE, draft=f"urge/{item}")               # csrf, unknown fields, kinds of files
        if form.ok and (done := await request.act(form, "item.urge", item=item)) is not None:
            return request.redirect(f"/items/{item}", flash="已催办")               # POST → 303 → GET
        shown = await request.ask("item.show", item=item)
        return request.form_page("urging/form.html", form, item=shown)     # 422, errors at the fields

    PAGES = (
        Page("/items/{item}/urge", show, "item.urge"),
        Page("/items/{item}/urge", send, "item.urge", ("POST",), upload=True),      # upload: takes files
    )

Template ``node/web/templates/urging/form.html``::

    {% extends layout %}
    {% import "macros/forms.html" as f %}
    {% import "macros/ui.html" as ui %}
    {% block title %}催办{% endblock %}
    {% block main %}
    <h1>催办</h1>
    {{ ui.light(item.light) }} {{ item.title }}
    {% call f.form(form, here, submit="催办", upload=true) %}{{ f.fields(form) }}{% endcall %}
    {% endblock %}

What every author must know
===========================

1. *Permission*: ``Page.verb`` is a verb of `services.access.rights.RIGHTS`; `SIGNED_IN` for what concerns the account
   itself. A page without one stops the program. ``nav="事项", order=20`` puts a GET page into the navigation: 工作台
   10, 事项 20, 台账 30, 全流程 40, 统计 50, 对账与联通 60, 节点管理 70, 帮助 80. ``request.may("item.urge")`` (in
   templates ``may(…)``) tells whether to show a button; whether it may be done the service decides, also by unit and
   state.
2. *Questions* are `request.ask(verb, **args)`, *commands* `request.act(form, verb, **args)`; args are those of the
   command socket (``node/cli`` shows them). GET never commands. A question outside what the caller may see is 404 by
   itself. Several reads at once: ``asyncio.gather``. The console's own rows (drafts, filters, notices):
   ``request.gateway.read(lambda reader: …)`` and ``.write(lambda store: …)``.
3. *Forms*: only declared fields are taken, anything else is 400. ``Field(name, label, kind, required, choices, help,
   arg)``; kinds line, text, date, number, choice, choices (several), lines (one a line → list), check, password,
   hidden, files. ``arg`` where the service calls it otherwise; a refusal whose ``field`` is that (``--due`` ~
   ``due``) stands at the field, else above the form. ``blank(spec, item=ID)`` makes the form remember the item as
   seen: has it changed since, the person gets the 409 page with all that was typed. ``item`` must be the full id in
   hex. Each form has a once-key: a double click makes one record. ``act`` returns None where the service refused.
4. *Drafts*: ``draft="report/ID"`` at ``blank`` and ``form`` (the same place): saved every few seconds, restored,
   removed when the command is done. Texts, ticks and choices; not passwords and files, which the form says.
5. *Templates* extend ``layout`` and fill ``title`` and ``main`` (optional ``head``, ``wide``). All is escaped; never
   ``|safe``. No ``style=``, no ``on…=``, no inline script: the CSP blocks them. Unknown names are errors
   (StrictUndefined): use ``item.get("x")``. In every template: ``caller``, ``here`` (path), ``may``, ``csrf``,
   ``office_name``, ``request``, ``static(name)``, ``lights``, ``roles``. Filters: moment, day, light, state, short,
   plain. ``macros/ui.html``: light, colour, badge, table heads, pager, empty, back, dialog, facts.
   ``macros/forms.html``: form, fields, field, button (a form of one button: POST).
6. *Live*: an element with an id and ``data-live="items"`` (or links, alarms; several by spaces) is fetched anew and
   swapped when something changed; ``data-live-item="ID ID"`` only for these items; never put a form with typed text
   inside. The page must therefore answer GET of its own address at any time.
7. *htmx* may be used with ``hx-get``/``hx-target``/``hx-select`` (no ``hx-on``, no ``js:``), only to improve what
   works without. For an htmx request `render` answers with the ``main`` block alone.
8. *Scripts* are files under ``node/web/static`` with ``<script src="{{ static('x.js') }}" defer></script>`` in block
   ``head``; charts: ``vendor/echarts.common.min.js`` only on chart pages, data by `request.json` or a ``data-…``
   attribute (``tojson``). ECharts: ``renderMode: "richText"`` for tooltips. CSS goes into ``dulian.css``, or
   ``<group>.css`` linked in ``head``.
9. *Errors*: raise nothing of your own for HTTP; `NotFoundError` is 404, `ForbiddenError` 403, `InputError` 400. Text
   for people passes `wording.plain` (filter ``plain``), which turns ``dulian …`` commands into places of the console.
10. *Downloads*: ``request.download(name, bytes_or_async_iterator)``; attachments through ``request.gateway.fetch``.
   Redirects: ``request.redirect`` only. Parameters: ``request.query("page", "state")``, unknown ones are 400.
11. *Tests*: ``tests/web/desk.py`` has ``Desk``: a real office, accounts, a client that signs in
   (``desk.sign_in("王某")``), reads forms and posts them (``desk.submit(path, {...})``). ``tests/web/test_routes.py``
   sends every POST route without token and from elsewhere, and every route as every role: new pages are in it by
   themselves.
"""

from __future__ import annotations

import importlib
import pkgutil

from node.web.page import Page


def all_pages() -> tuple[Page, ...]:
    """The pages of all modules here, by module name."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(page for module in modules for page in getattr(module, "PAGES", ()))
