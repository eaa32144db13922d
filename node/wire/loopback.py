"""Addresses that only this machine can reach."""

from __future__ import annotations

import ipaddress

from node.errors import InputError


def check_loopback(address: str, field: str) -> tuple[str, int]:
    """(host, port) of a host:port on the loopback; InputError: monitoring is not for the network."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        inside = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        remedy = "写回环地址，如 127.0.0.1:9600；由本机的采集程序转出"
        raise InputError("只能监听本机回环地址", field=field, value=address, remedy=remedy)
    return ("127.0.0.1" if host == "localhost" else host), int(port)
