import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest

from sandbox.serving import Serving
from sandbox.smtp import MailSink


def message(to: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "jobs@hiring-company.example", to, "Grüße"
    made["List-Unsubscribe"] = "<https://careers.hiring-company.example/u/x>"
    made.set_content("Thank you for your application.\n")
    return made


def test_what_is_accepted_is_kept(tmp_path: Path) -> None:
    mail = MailSink(maildir=tmp_path / "mail")
    with Serving({}, mail) as serving, smtplib.SMTP("127.0.0.1", serving.mail_port or 0) as smtp:
        smtp.send_message(message("anna@example.com"))
    (received,) = mail.to("Anna@example.com")
    assert received.message["Subject"] == "Grüße"
    assert received.shown()["headers"]["list-unsubscribe"].startswith("<https://")
    assert "Thank you" in received.shown()["text"]
    assert len(list((tmp_path / "mail").iterdir())) == 1


def test_refused_and_put_off() -> None:
    mail = MailSink()
    mail.refuse("*@gone.example")
    mail.refuse("later@*", 451, times=1)
    with Serving({}, mail) as serving, smtplib.SMTP("127.0.0.1", serving.mail_port or 0) as smtp:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            smtp.send_message(message("a@gone.example"))
        assert refused.value.recipients["a@gone.example"][0] == 550
        with pytest.raises(smtplib.SMTPRecipientsRefused) as later:
            smtp.send_message(message("later@example.com"))
        assert later.value.recipients["later@example.com"][0] == 451
        smtp.send_message(message("later@example.com"))
    assert [one.recipients for one in mail.messages] == [["later@example.com"]]
    assert mail.answers == {"550": 1, "451": 1, "250": 1}
