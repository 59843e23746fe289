"""Every object key of the product is made here."""

from uuid import UUID


def source(sha256: str, generation: UUID) -> str:
    """A source file, by its content.

    The generation keeps a re-upload apart from an earlier copy that is being collected. It is
    the id of what brought the bytes, so a job that runs twice arrives at the same key.
    """
    return f"sources/{sha256[:2]}/{sha256[2:4]}/{sha256}.{generation.hex}"


def video(video_id: UUID) -> str:
    """Prefix of all that was made from one video."""
    return f"videos/{video_id}/"


def task(video_id: UUID, task_id: UUID) -> str:
    """Prefix of what one task made."""
    return f"{video(video_id)}{task_id.hex}/"


def attempt(video_id: UUID, task_id: UUID, number: int) -> str:
    """Prefix of what one run of a task made; published only when that run wins."""
    return f"{task(video_id, task_id)}{number}/"
