"""Holds every answer against AWS's own model of it.

botocore ignores what it does not know and does not miss what is not there, so its parsing alone
would accept nearly anything. This looks at the body before it is parsed: no member the model does
not have, none missing that it requires, words, lengths and patterns as the model says, errors that
the operation declares with the HTTP status they have.
"""

import json
import re

# What any operation may answer beside its modelled errors.
COMMON_ERRORS = {
    "AccessDenied": {403},
    "ExpiredTokenException": {400, 403},
    "InternalFailure": {500},
    "RegionDisabledException": {403},
    "ServiceUnavailableException": {503},
    "Throttling": {400},
    "UnrecognizedClientException": {403},
    "ValidationError": {400},
}

# Patterns that AWS's own answers do not match: the ids of policies have eight characters.
WRONG_PATTERNS = {"PolicyArn"}

# Of Organizations, whose shapes carry no status.
ORGANIZATIONS_STATUS = {"ServiceException": 500}


class Conformance:
    """The answers of some clients that their model does not allow, as sentences."""

    def __init__(self):
        self.problems = []

    def watch(self, client):
        """Looks at every answer to `client` from now on."""
        client.meta.events.register("before-parse", self._look)

    def take(self):
        """What was found since the last time."""
        problems, self.problems = self.problems, []
        return problems

    def _look(self, operation_model, response_dict, **_):
        status = response_dict["status_code"]
        model = operation_model.service_model
        if status >= 300:
            self._error(operation_model, status, response_dict)
            return
        expected = operation_model.http.get("responseCode")
        if expected and status != expected:
            self._say(operation_model, f"HTTP {status}, the model says {expected}")
        shape = operation_model.output_shape
        is_json = model.metadata["protocol"] in ("json", "rest-json")
        if not is_json or shape is None or "payload" in shape.serialization:
            return
        if operation_model.has_event_stream_output or not response_dict["body"]:
            return
        self._value(operation_model, "", shape, json.loads(response_dict["body"]))

    def _error(self, operation, status, response):
        body = json.loads(response["body"]) if response["body"][:1] == b"{" else {}
        code = response["headers"].get("x-amzn-errortype") or body.get("__type", "")
        code = code.split(":")[0].rsplit("#")[-1]
        if not code:
            return  # The Query protocol's XML, which botocore parses strictly.
        modelled = {shape.name: shape for shape in operation.error_shapes}
        if code in modelled:
            stated = modelled[code].metadata.get("error", {}).get("httpStatusCode")
            if operation.service_model.service_name == "organizations":
                stated = ORGANIZATIONS_STATUS.get(code, 400)
            if stated and stated != status:
                self._say(operation, f"{code} is HTTP {stated}, not {status}")
            known = {name.lower() for name in modelled[code].members} | {"__type", "message"}
            for member in body:
                if member.lower() not in known:
                    self._say(operation, f"{code} has no member {member}")
        elif status not in COMMON_ERRORS.get(code, set()):
            self._say(operation, f"{code} with HTTP {status} is not an error of this operation")

    def _value(self, operation, path, shape, value):
        if value is None:
            return
        kind = shape.type_name
        if kind == "structure":
            self._structure(operation, path, shape, value)
        elif kind == "list":
            self._bounds(operation, path, shape, len(value), "items")
            for index, item in enumerate(value):
                self._value(operation, f"{path}[{index}]", shape.member, item)
        elif kind == "map":
            for key, item in value.items():
                self._value(operation, f"{path}.{key}", shape.value, item)
        elif kind == "string":
            self._string(operation, path, shape, value)
        elif kind == "boolean":
            if not isinstance(value, bool):
                self._say(operation, f"{path} is {value!r}, not a boolean")
        elif kind in ("integer", "long", "float", "double"):
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                self._say(operation, f"{path} is {value!r}, not a number")
        elif kind == "timestamp":
            protocol = operation.service_model.metadata["protocol"]
            form = shape.serialization.get("timestampFormat")
            is_text = form == "iso8601"
            if isinstance(value, str) != is_text:
                self._say(operation, f"{path} is {value!r}; {protocol} wants {form or 'a number'}")

    def _structure(self, operation, path, shape, value):
        if not isinstance(value, dict):
            self._say(operation, f"{path} is {value!r}, not an object")
            return
        members = {
            member.serialization.get("name", name): (name, member)
            for name, member in shape.members.items()
            if "location" not in member.serialization
        }
        for key, item in value.items():
            if key in members:
                self._value(operation, f"{path}.{key}", members[key][1], item)
            else:
                self._say(operation, f"the model has no {path}.{key}")
        for key, (name, _) in members.items():
            if name in shape.required_members and value.get(key) is None:
                self._say(operation, f"{path}.{key} is required")

    def _string(self, operation, path, shape, value):
        if not isinstance(value, str):
            self._say(operation, f"{path} is {value!r}, not a string")
            return
        words = shape.metadata.get("enum")
        if words and value not in words:
            self._say(operation, f"{path} is {value!r}, which is none of {words}")
        self._bounds(operation, path, shape, len(value), "characters")
        pattern = shape.metadata.get("pattern")
        if shape.name in WRONG_PATTERNS:
            return
        # Python has no classes such as \p{L}.
        if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value, re.DOTALL):
            self._say(operation, f"{path} is {value!r}, which does not match {pattern}")

    def _bounds(self, operation, path, shape, size, what):
        low, high = shape.metadata.get("min", 0), shape.metadata.get("max", size)
        if not low <= size <= high:
            self._say(operation, f"{path} has {size} {what}, the model says {low} to {high}")

    def _say(self, operation, what):
        self.problems.append(f"{operation.service_model.service_name}:{operation.name}: {what}")
