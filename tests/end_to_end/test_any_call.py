"""Generated calls of the API: each response is one that the OpenAPI document describes, and not a 500."""

import pytest
from support import any_call
from support.harness import Pair

# A call may wait for a second.
CASES = {"/api/inbox/wait": 12}


@pytest.mark.timeout(180)
def test_every_call_responds_as_documented(pair: Pair, subtests: pytest.Subtests) -> None:
    for operation in any_call.operations(any_call.document(pair)):
        with subtests.test(operation.label):
            any_call.try_calls(pair, operation, cases=CASES.get(operation.path, 15))
