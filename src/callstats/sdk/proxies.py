"""How does one get out of this network? As the usual environment variables say.

``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy`` in either case, as curl reads them.
What is on this machine is never asked for through a proxy.
"""

import ipaddress
from urllib import request
from urllib.parse import unquote, urlsplit

import urllib3


def open_pool(url: str) -> urllib3.PoolManager:
    """Return what carries requests to a URL, with one connection that is kept."""
    proxy = find_proxy(url)
    if proxy is None:
        return urllib3.PoolManager(num_pools=1, maxsize=1, retries=False)
    parts = urlsplit(proxy)
    headers = None
    if parts.username is not None:
        name, word = unquote(parts.username), unquote(parts.password or "")
        headers = urllib3.make_headers(proxy_basic_auth=f"{name}:{word}")
    return urllib3.ProxyManager(proxy, proxy_headers=headers, num_pools=1, maxsize=1, retries=False)


def find_proxy(url: str) -> str | None:
    """Return the proxy for a URL, None to go there directly."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = request.getproxies_environment()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or is_loopback(host) or _is_exempt(parts.netloc, proxies):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    return proxy if urlsplit(proxy).scheme in ("http", "https") else None


def _is_exempt(host: str, proxies: dict[str, str]) -> bool:
    return bool(request.proxy_bypass_environment(host, proxies))  # type: ignore[attr-defined]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
