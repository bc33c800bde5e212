from typing import Any

from wtforms import FileField as PlainFileField

class FileField(PlainFileField):
    data: Any

class FileRequired:
    field_flags: dict[str, bool]
    def __init__(self, message: str) -> None: ...
    def __call__(self, form: Any, field: Any) -> None: ...
