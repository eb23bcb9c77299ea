"""A visitor of a Django site: keeps cookies, follows redirects, sends the CSRF token of forms."""

import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin

from multipart import multipart

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Browser:
    """Requests with the cookies of the answers before."""

    def __init__(self, server):
        self._server = server
        self.cookies = {}

    def get(self, target):
        """The page at `target`, after redirects."""
        return self._follow(target, self._request("GET", target))

    def post(self, target, fields, **files):
        """Fill in the form at `target`: fetch it for its token, send it, follow the redirect."""
        token = TOKEN.search(self.get(target).text)[1]
        fields = {"csrfmiddlewaretoken": token, **fields}
        if files:
            headers, body = multipart(fields, **files)
        else:
            headers = [("Content-Type", "application/x-www-form-urlencoded")]
            body = urlencode(fields).encode()
        response = self._request("POST", target, headers=headers, body=body)
        return self._follow(target, response)

    def _request(self, method, target, headers=(), body=b""):
        if self.cookies:
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers = [*headers, ("Cookie", cookie)]
        response = self._server.request(method, target, headers=headers, body=body)
        for value in response.all("Set-Cookie"):
            self.cookies |= {key: morsel.value for key, morsel in SimpleCookie(value).items()}
        return response

    def _follow(self, target, response):
        while response.status in (301, 302):
            target = urljoin(target, response.header("Location"))
            response = self._request("GET", target)
        return response
