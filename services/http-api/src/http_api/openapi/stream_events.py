"""The schema of the events of a stream: a property for each event, with the schema of its data."""

from litestar.openapi.spec import OpenAPIType, Reference, Schema


def _object(properties: dict[str, Schema | Reference], description: str) -> Schema:
    return Schema(type=OpenAPIType.OBJECT, properties=properties, required=sorted(properties), description=description)


_ID = Schema(type=OpenAPIType.STRING)
_SEQ = Schema(type=OpenAPIType.INTEGER)
_SEEN = Schema(type=OpenAPIType.BOOLEAN)
_STATUS = Schema(type=OpenAPIType.STRING, enum=["checked", "not_checked"])
SCHEMAS: dict[str, Schema] = {
    "SeenEvent": _object({"id": _ID, "seq": _SEQ, "seen": _SEEN}, "A message whose `seen` flag was changed."),
    "CheckedEvent": _object(
        {"id": _ID, "seq": _SEQ, "status": _STATUS}, "A message whose `authentication` is no longer pending."
    ),
    "DeletedEvent": _object({"id": _ID, "seq": _SEQ}, "A message that was deleted."),
    "GoneEvent": _object({"temp_email_addr": Schema(type=OpenAPIType.STRING)}, "A mailbox that ended."),
    "ExpiredEvent": _object({}, "The end of a ticket; it has no properties."),
    "StreamEvents": _object(
        {
            "message": Reference(ref="#/components/schemas/ListedMessage"),
            "seen": Reference(ref="#/components/schemas/SeenEvent"),
            "checked": Reference(ref="#/components/schemas/CheckedEvent"),
            "deleted": Reference(ref="#/components/schemas/DeletedEvent"),
            "attempt": Reference(ref="#/components/schemas/DeliveryAttempt"),
            "gone": Reference(ref="#/components/schemas/GoneEvent"),
            "expired": Reference(ref="#/components/schemas/ExpiredEvent"),
        },
        "The events of a stream: the data of each, as JSON, under the name of the event.",
    ),
}
