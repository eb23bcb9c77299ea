"""An HTTP/2 client that shows what came over the wire, one stream beside the other."""

from dataclasses import dataclass, field

import client
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings


@dataclass
class Answer:
    """What came in a stream so far; `informational` holds statuses of the 1xx kind."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    informational: list[int] = field(default_factory=list)
    trailers: list[tuple[str, str]] = field(default_factory=list)
    ended: bool = False
    reset: int | None = None

    header = client.Response.header
    all = client.Response.all
    text = client.Response.text
    json = client.Response.json


class Http2:
    """A connection on which several requests run at once; each is known by its number.

    Everything that comes is acknowledged at once, so that the server may send on, unless
    `window` says how much of a stream it may send at most.
    """

    def __init__(self, address, secured=None, window=None):
        self.socket = client.open_socket(address)
        if secured:
            self.socket = secured(self.socket)
        self.answers = {}
        self.settings = {}
        self.last_stream = None
        self.closed = False
        self._takes_all = window is None
        # What a server may not send is an error here, so nothing that it does is put right.
        self._state = H2Connection(H2Configuration(header_encoding=None))
        if window is not None:
            values = {SettingCodes.INITIAL_WINDOW_SIZE: window}
            self._state.local_settings = Settings(initial_values=values)
        self._state.initiate_connection()
        self._flush()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def begin(self, method, target, headers=(), end=True, authority="localhost"):
        """Send the head of a request; gives its number."""
        number = self._state.get_next_available_stream_id()
        scheme = "https" if hasattr(self.socket, "cipher") else "http"
        head = [(":method", method), (":scheme", scheme), (":path", target)]
        head += [(":authority", authority), *((name.lower(), value) for name, value in headers)]
        self._state.send_headers(number, head, end_stream=end)
        self.answers[number] = Answer()
        self._flush()
        return number

    def send(self, number, body, end=True):
        """Send a body as fast as the server takes it."""
        data = memoryview(body)
        while data:
            size = min(
                self._state.local_flow_control_window(number),
                self._state.max_outbound_frame_size,
            )
            if size <= 0:
                self._flush()
                self.step()
                continue
            self._state.send_data(number, bytes(data[:size]))
            data = data[size:]
        if end:
            self._state.end_stream(number)
        self._flush()

    def trailers(self, number, headers):
        """End a body with further fields."""
        self._state.send_headers(number, headers, end_stream=True)
        self._flush()

    def reset(self, number):
        """Give a request up."""
        self._state.reset_stream(number, error_code=8)
        self._flush()

    def request(self, method, target, headers=(), body=None):
        """One request and its whole answer."""
        return self.answer(self.ask(method, target, headers, body))

    def ask(self, method, target, headers=(), body=None):
        """One whole request; gives its number."""
        number = self.begin(method, target, headers, end=body is None)
        if body is not None:
            self.send(number, body)
        return number

    def answer(self, number):
        """The whole answer to a request."""
        answer = self.wait(number, lambda answer: answer.ended or answer.reset is not None)
        assert answer.reset is None, f"reset with {answer.reset}"
        return answer

    def wait(self, number, is_there):
        """Read until that is so of the answer to a request."""
        answer = self.answers[number]
        while not is_there(answer):
            assert not self.closed, f"the connection ended before: {answer}"
            self.step()
        return answer

    def step(self):
        """Read what comes next."""
        data = self.socket.recv(1 << 16)
        if not data:
            self.closed = True
        for event in self._state.receive_data(data) if data else ():
            self._note(event)
        self._flush()

    def _flush(self):
        if data := self._state.data_to_send():
            self.socket.sendall(data)

    def _note(self, event):
        answer = self.answers.get(getattr(event, "stream_id", None))
        match event:
            case events.ResponseReceived():
                (_, status), *answer.headers = _text(event.headers)
                answer.status = int(status)
            case events.InformationalResponseReceived():
                answer.informational.append(int(event.headers[0][1]))
            case events.DataReceived():
                answer.body += event.data
                if self._takes_all:
                    length = event.flow_controlled_length
                    self._state.acknowledge_received_data(length, event.stream_id)
            case events.TrailersReceived():
                answer.trailers += _text(event.headers)
            case events.StreamEnded():
                answer.ended = True
            case events.StreamReset():
                answer.reset = event.error_code
            case events.RemoteSettingsChanged():
                settings = event.changed_settings.items()
                self.settings |= {code: changed.new_value for code, changed in settings}
            case events.ConnectionTerminated():
                self.last_stream = event.last_stream_id


def _text(headers):
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
