"""What a client sends to cancel something."""

TASK = "mutation ($id: ID!) { cancelTask(id: $id) { task { status } userErrors { code } } }"
SESSION = "mutation ($id: ID!) { cancelUploadSession(id: $id) { userErrors { code } } }"
