"""Which names are a secret's: PASSWORD, DB_PASS, apiKey, PAGURE_REPO_WEBHOOK_KEY; and which only sound like one."""

from __future__ import annotations

import re

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# A secret's wherever one stands in the name, also grown together with others (DBPASSWORD).
_STRONG = re.compile(r"pass|pw|pwd|psk|hmac|salt|token|tokens|webhooks?|credentials?|creds?|privkey|jwt")
_GROWN = re.compile(r"passw(or)?d|passwd|passphrase|secret|api_?key|private_?key|access_?key")
# A secret's only at the end of the name: SIGNING_KEY is one, KEY_PREFIX is none.
_LAST = re.compile(r"keys?|auth|authorization|cookies?|pin|dsn|signature|sig|otp|totp|private")
_BEHIND = re.compile(
    r"old|new|prev|previous|current|primary|secondary|fallbacks?|default|stg|staging|prod|production|dev"
)
# What a name with a secret's word in it ends in that is about the secret, and is not it.
_ABOUT = re.compile(
    r"files?|filename|paths?|dir|directory|folder|url|uri|endpoint|names?|headers?|length|len|min|max|expiry|expires"
    r"|expiration|timeout|age|ttl|seconds|minutes|hours|days|lifetime|prefix|suffix|algorithm|alg|types?|enabled|required"
    r"|ids?|policy|methods?|schemes?|fields?|count|size|location|domain|secure|httponly|samesite|hashers?|model|backends?"
    r"|class|validators|validity|issuer|realm|audience|scopes?|bits|level|groups?|user|username|email|manager|storage"
    r"|regex|pattern|format|func|function|loader|handler|page|template|view|route|label|title|help|text|message"
)


def is_secret(name: str) -> bool:
    """Does a value under this name have to stay hidden?"""
    parts = [part.lower() for part in _PARTS.findall(name)]
    while len(parts) > 1 and _BEHIND.fullmatch(parts[-1]):
        parts.pop()
    if not parts or parts[0] in ("public", "pub") or parts[-2:-1] in (["public"], ["pub"]):
        return False
    hooks = any(part.startswith("webhook") for part in parts)
    if _ABOUT.fullmatch(parts[-1]) and not (hooks and parts[-1] in ("url", "uri", "endpoint")):
        return False
    strong = any(_STRONG.fullmatch(part) for part in parts) or bool(_GROWN.search("_".join(parts)))
    return strong or bool(_LAST.fullmatch(parts[-1]))
