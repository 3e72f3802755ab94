from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from reports import DocumentError, sign_manifest, verify_manifest, verify_signature, write_manifest
from reports.manifest import relist


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "audit"
    folder.mkdir()
    (folder / "audit.json").write_text("{}")
    (folder / "report.html").write_text("page")
    write_manifest(folder)
    return folder


def keys(folder: Path, name: str = "key", private: object = None) -> tuple[Path, Path]:
    private = private or ed25519.Ed25519PrivateKey.generate()
    secret, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    secret.write_bytes(private.private_bytes(pem, form, serialization.NoEncryption()))  # type: ignore[attr-defined]
    raw = private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    public.write_bytes(raw)
    return secret, public


def test_a_signature_holds_until_something_changes(folder: Path, tmp_path: Path) -> None:
    secret, public = keys(tmp_path)
    assert verify_signature(folder, public) == "MANIFEST.sig: missing, so nobody vouches for the manifest"
    assert len(sign_manifest(folder, secret).read_bytes()) == 64
    assert verify_signature(folder, public) is None
    assert verify_manifest(folder) == [], "the signature itself is not listed"
    _, other = keys(tmp_path, "other")
    assert verify_signature(folder, other) == "MANIFEST.sig: does not fit this manifest and this key"
    (folder / "audit.json").write_text("[]")
    write_manifest(folder)
    assert verify_signature(folder, public) is not None, "a manifest made again is not the one that was signed"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_agrees(folder: Path, tmp_path: Path) -> None:
    secret, public = keys(tmp_path)
    sign_manifest(folder, secret)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(public), "-rawin"]
    command += ["-in", str(folder / "MANIFEST.json"), "-sigfile", str(folder / "MANIFEST.sig")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Verified Successfully" in done.stdout, done.stderr


def test_what_differs_is_not_signed(folder: Path, tmp_path: Path) -> None:
    (folder / "report.html").write_text("another")
    with pytest.raises(DocumentError, match=r"not signed, since the files differ.*report\.html: changed"):
        sign_manifest(folder, keys(tmp_path)[0])


def test_what_is_no_key(folder: Path, tmp_path: Path) -> None:
    secret, public = keys(tmp_path)
    wrong, wrong_public = keys(tmp_path, "curve", ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "text.pem").write_text("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n")
    for path in (public, wrong, tmp_path / "text.pem"):
        with pytest.raises(DocumentError, match="not an Ed25519 private key"):
            sign_manifest(folder, path)
    sign_manifest(folder, secret)
    for path in (secret, wrong_public, tmp_path / "text.pem"):
        with pytest.raises(DocumentError, match="not an Ed25519 public key"):
            verify_signature(folder, path)
    with pytest.raises(DocumentError, match="no such key file"):
        verify_signature(folder, tmp_path / "none.pem")


def test_a_report_made_again_is_listed_anew_and_nothing_else_is(folder: Path, tmp_path: Path) -> None:
    (folder / "report.html").write_text("made again")
    (folder / "audit.json").write_text("forged")
    assert relist(folder, "report.html")
    assert verify_manifest(folder) == ["audit.json: changed since the manifest was written (2 bytes then, 6 now)"]
    (folder / "audit.json").write_text("{}")
    sign_manifest(folder, keys(tmp_path)[0])
    assert relist(folder, "report.html"), "it is as it was signed"
    (folder / "report.html").write_text("once more")
    assert not relist(folder, "report.html")
    assert verify_manifest(folder) == ["report.html: changed since the manifest was written (10 bytes then, 9 now)"]
    assert not relist(tmp_path, "key.pem"), "there is no manifest"
