"""What the documentation shows; a test holds each example to its schema."""

from typing import Any

KEYPAIR_QUERY: dict[str, Any] = {"paging": {"size": 20, "index": 0}}

KEYPAIR_PAGE: dict[str, Any] = {
    "paging": {"pages": 1, "count": 1},
    "items": [
        {
            "accessKey": "KPPHLVNUKJFEKDLPPBHI",
            "isActive": True,
            "totalQueries": 42,
            "created": "2026-11-22T01:00:54.351174+00:00",
        }
    ],
}

KEYPAIR_DRAFT: dict[str, Any] = {
    "isActive": True,
    "props": {"scopes": ["keypairs:read"], "description": "laptop"},
}

ISSUED_KEYPAIR: dict[str, Any] = {
    "accessKey": "KPPHLVNUKJFEKDLPPBHI",
    "secretKey": "(40 characters, shown this one time)",
}

KEYPAIR_VALUES: dict[str, Any] = {"values": [True, 1, ["keypairs:read"]]}

KEYPAIR_CHANGE: dict[str, Any] = {
    "props": {"isActive": False, "ML": {"clusterSize": 4}, "expiresAt": None}
}

AUDIT_PAGE: dict[str, Any] = {
    "items": [
        {
            "seq": 3,
            "at": "2026-11-22T01:00:54.351174+00:00",
            "actor": {"kind": "keypair", "id": "KPIHXZAEESFLMXRGGKNZ"},
            "ip": "192.0.2.7",
            "requestId": "61d43f9d-3cfb-46f0-8ddd-ad347810b1d8",
            "action": "credential.update",
            "credentialId": "KPPHLVNUKJFEKDLPPBHI",
            "before": {"isActive": True},
            "after": {"isActive": False},
        }
    ],
    "nextPageToken": None,
}

SERVICE_ACCOUNT_DRAFT: dict[str, Any] = {
    "name": "ci",
    "active": True,
    "description": "deploys from the main branch",
}

SERVICE_ACCOUNT_CHANGE: dict[str, Any] = {"active": False}

API_KEY_DRAFT: dict[str, Any] = {
    "name": "runner",
    "scopes": ["api-keys:read"],
    "expires_at": "2030-01-31T12:00:00+00:00",
}

API_KEY_CHANGE: dict[str, Any] = {"allowed_ips": ["192.0.2.0/24"], "rate_limit": None}

ROTATION: dict[str, Any] = {"retain_period_minutes": 60}

ACCESS_KEY: dict[str, Any] = {
    "id": "5a4b1c7e-0d52-4f6e-9a53-3c8f6f6f1f0a",
    "organizationId": "acme",
    "name": "deploy",
    "type": "user",
    "description": "used by the deployment pipeline",
    "suffix": "1aB2cD",
    "lastUsedAt": None,
    "createdAt": "2026-11-22T01:00:54.351174+00:00",
    "updatedAt": "2026-11-22T01:00:54.351174+00:00",
    "roleIds": ["0d9a6a0e-8f9e-4d0a-8c55-6a3e2f1b7c10"],
    "roleRefs": [
        {"id": "0d9a6a0e-8f9e-4d0a-8c55-6a3e2f1b7c10", "type": "organization"}
    ],
    "active": True,
    "expiresAt": "2030-01-31T12:00:00.000000+00:00",
    "scopes": ["access-keys:read"],
    "allowedIps": ["192.0.2.0/24"],
    "rateLimit": 1000,
    "remaining": None,
}

ACCESS_KEY_PAGE: dict[str, Any] = {"results": [ACCESS_KEY], "nextPageToken": ""}

ACCESS_KEY_DRAFT: dict[str, Any] = {
    "name": "deploy",
    "description": "used by the deployment pipeline",
    "roleRefs": ACCESS_KEY["roleRefs"],
    "scopes": ["access-keys:read"],
}

ISSUED_ACCESS_KEY: dict[str, Any] = {
    "accessKey": ACCESS_KEY,
    "token": "(58 characters, shown this one time)",
}

ACCESS_KEY_CHANGE: dict[str, Any] = {"active": False, "expiresAt": None}

QUESTION: dict[str, Any] = {
    "token": "ksa_(16 characters)(32 characters)(6 characters)",
    "scopes": ["jobs:run"],
    "ip": "192.0.2.7",
}

VERDICT: dict[str, Any] = {
    "valid": True,
    "code": "VALID",
    "kind": "api_key",
    "id": "0b7e0c34-5a4b-4f0e-9e0b-4b8a8a0b0f5c",
    "owner": {"kind": "service_account", "id": "5f3f7d3e-6a51-4d6f-a4ac-8a6fd2a6d0c1"},
    "name": "ci",
    "scopes": ["jobs:*"],
    "roleIds": [],
    "expiresAt": None,
    "remaining": None,
    "resetAt": None,
}

QUESTIONS: dict[str, Any] = {"questions": [QUESTION]}

VERDICTS: dict[str, Any] = {"answers": [VERDICT]}

METRICS = """\
# HELP keysvc_verifications_total Credentials verified, by kind and what was found.
# TYPE keysvc_verifications_total counter
keysvc_verifications_total{code="VALID",kind="api_key"} 1789.0
"""

LEAK_REPORT: dict[str, Any] = {
    "tokens": [
        "ksa_(16 characters)(32 characters)(6 characters)",
        "KPPHLVNUKJFEKDLPPBHI:(40 characters)",
    ]
}

LEAKS: dict[str, Any] = {
    "results": [
        {
            "code": "VALID",
            "id": "0b7e0c34-5a4b-4f0e-9e0b-4b8a8a0b0f5c",
            "revoked": True,
        },
        {"code": "UNKNOWN", "id": None, "revoked": False},
    ]
}

CREDENTIAL: dict[str, Any] = {
    "kind": "keypair",
    "id": "KPPHLVNUKJFEKDLPPBHI",
    "owner": {"kind": "user", "id": "alice"},
    "name": "",
    "description": "laptop",
    "active": True,
    "scopes": ["keypairs:read"],
    "createdAt": "2026-11-22T01:00:54.351174+00:00",
    "createdBy": {"kind": "keypair", "id": "KPIHXZAEESFLMXRGGKNZ"},
    "expiresAt": None,
    "lastUsedAt": None,
    "totalQueries": 0,
    "rotatedAt": "2026-11-22T01:00:55.351174+00:00",
    "graceUntil": "2026-11-22T02:00:55.351174+00:00",
    "graceUsedAt": None,
}

CREDENTIAL_PAGE: dict[str, Any] = {"items": [CREDENTIAL], "nextPageToken": None}

GRACE: dict[str, Any] = {"graceMinutes": 60}

DEACTIVATION: dict[str, Any] = {
    "owner": {"kind": "user", "id": "alice"},
    "dryRun": True,
}

DEACTIVATED: dict[str, Any] = {"ids": ["KPPHLVNUKJFEKDLPPBHI"]}

SCOPE_PARAMETER: dict[str, Any] = {
    "in": "query",
    "name": "scope",
    "description": "A scope that the credential must cover; may be repeated.",
    "schema": {
        "type": "array",
        "items": {"type": "string", "pattern": "^[a-z0-9._:/*-]{1,100}$"},
    },
    "style": "form",
    "explode": True,
}
