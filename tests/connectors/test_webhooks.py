"""Signature schemes: the vendors' own vectors, and what a stranger may send."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from connectors import webhooks
from connectors.errors import Misconfigured

BODY = '{"name":"Ada Ångström"}'.encode()


def test_indeed_publishes_a_vector_that_holds():
    # docs-plus.indeed.com/indeed-apply/message-signature-generation
    body = b"{'locale':'en_US','applicant':{'fullName':'John Doe','email':'john.doe@example.com'}}"
    secret = "Y0ur api secret key not shared &$%@"
    assert webhooks.signed_sha1_base64(secret, body, "SGadPKocf3HD1LYXm3xGObB6hzk=")
    assert not webhooks.signed_sha1_base64(secret, body + b" ", "SGadPKocf3HD1LYXm3xGObB6hzk=")


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (webhooks.signed_sha256_hex, "sha256=" + hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()),
        (
            webhooks.signed_sha256_base64,
            "sha256=" + base64.b64encode(hmac.new(b"s3cret", BODY, hashlib.sha256).digest()).decode(),
        ),
        (webhooks.signed_sha1_base64, base64.b64encode(hmac.new(b"s3cret", BODY, hashlib.sha1).digest()).decode()),
    ],
)
def test_only_the_right_signature_passes(check, right):
    assert check("s3cret", BODY, right)
    assert check("s3cret", BODY, f" {right}\n"), "a header may be padded"
    for wrong in (None, "", "sha256=", right[:-2], right + "0", right.swapcase(), "sha256=ünïcode", "\ud800"):
        assert not check("s3cret", BODY, wrong)
    assert not check("other", BODY, right)
    assert not check("s3cret", BODY[:-1], right)


def test_the_prefix_is_the_vendors():
    digest = hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()
    assert webhooks.signed_sha256_hex("s3cret", BODY, f"sha256 {digest}", prefix="sha256 ")
    assert webhooks.signed_sha256_hex("s3cret", BODY, digest, prefix="")
    assert not webhooks.signed_sha256_hex("s3cret", BODY, digest)


def test_standard_webhooks():
    secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", now, BODY.decode())
    headers = {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(now.timestamp())), "Webhook-Signature": signature}
    assert webhooks.signed_standard(secret, BODY, headers)
    assert not webhooks.signed_standard(secret, BODY + b" ", headers)
    assert not webhooks.signed_standard(secret, BODY, {})
    assert not webhooks.signed_standard(secret, BODY, {**headers, "Webhook-Timestamp": "1000000000"})
    for odd in ("nonsense", "v1,***", "v2,abc", ""):
        assert not webhooks.signed_standard(secret, BODY, {**headers, "Webhook-Signature": odd})


def test_a_secret_that_is_none_is_a_setting_to_correct():
    with pytest.raises(Misconfigured, match="whsec_"):
        webhooks.signed_standard("", BODY, {})


def test_headers_are_found_however_they_are_written():
    assert webhooks.header({"x-indeed-signature": "a"}, "X-Indeed-Signature") == "a"
    assert webhooks.header({"Other": "a"}, "X-Indeed-Signature") is None


def test_a_missing_signature_is_told_from_a_wrong_one():
    assert "missing" in str(webhooks.refuse("indeed_apply", "X-Indeed-Signature", None))
    assert "does not fit" in str(webhooks.refuse("indeed_apply", "X-Indeed-Signature", "x"))
