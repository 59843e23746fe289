"""Why work failed."""

import strawberry

from schema.error_codes import ErrorCode
from schema.execution.fields import column, computed


def _sentence(message: str | None) -> str:
    return message or ""


@strawberry.type(description="Why a task, a play set or an upload ended without a result.")
class TaskError:
    """Made of columns of the task, the play set or the upload itself."""

    code: ErrorCode = column("error_code", description="Stable name of the failure.")
    message: str = computed(_sentence, "error_message", description="A whole English sentence.")
