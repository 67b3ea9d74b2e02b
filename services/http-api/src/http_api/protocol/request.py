"""The request of a call, and what its state has."""

from litestar import Request
from litestar.datastructures import State

AnyRequest = Request[None, None, State]
# In the request's state: no mailbox or message was found that the token of the call opens.
NOTHING_FOUND = "nothing_found"
# In the request's state, of a call whose body has tokens: how many of them opened nothing.
FAILED_TOKENS = "failed_tokens"
# In the request's state, from the first: the client of the call.
CLIENT = "client"
