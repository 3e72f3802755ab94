"""A signature over the manifest: it shows who vouches for the files, which a manifest alone does not.

Ed25519 (Bernstein et al., "High-speed high-security signatures", 2012) over the very bytes of `MANIFEST.json`; the
signature file holds the 64 bytes and nothing else. So other tools can make and check it too::

    openssl genpkey -algorithm ed25519 -out private.pem
    openssl pkey -in private.pem -pubout -out public.pem
    openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in MANIFEST.json -sigfile MANIFEST.sig
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from reports.errors import DocumentError
from reports.manifest import MANIFEST_NAME, SIGNATURE_NAME, verify_manifest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def sign_manifest(folder: str | Path, key: str | Path) -> Path:
    """Sign the manifest of a folder whose files agree with it.

    Args:
        folder: the folder of one audit.
        key: an Ed25519 private key in PEM, without a passphrase.

    Returns:
        The path of the signature.

    Raises:
        DocumentError: a file differs from the manifest, or the key is not one.

    Example:
        >>> sign_manifest("runs/2026-01-01", "private.pem")  # doctest: +SKIP
        PosixPath('runs/2026-01-01/MANIFEST.sig')
    """
    folder = Path(folder)
    private = _private(Path(key))
    if differences := verify_manifest(folder):
        raise DocumentError(f"{folder}: not signed, since the files differ from the manifest: {differences[0]}")
    path = folder / SIGNATURE_NAME
    path.write_bytes(private.sign((folder / MANIFEST_NAME).read_bytes()))
    return path


def verify_signature(folder: str | Path, key: str | Path) -> str | None:
    """Whether the manifest of a folder was signed with the private half of this key; None if so, else what is wrong.

    It says nothing about the other files: `verify_manifest` compares them with the manifest.

    Args:
        folder: the folder of one audit.
        key: the Ed25519 public key in PEM, from someone you trust and not from the folder itself.

    Raises:
        DocumentError: the manifest is missing, or the key is not one.
    """
    folder = Path(folder)
    public = _public(Path(key))
    from cryptography.exceptions import InvalidSignature

    try:
        manifest = (folder / MANIFEST_NAME).read_bytes()
    except FileNotFoundError:
        raise DocumentError(f"{folder / MANIFEST_NAME}: no such file; an audited folder holds one") from None
    try:
        signature = (folder / SIGNATURE_NAME).read_bytes()
    except FileNotFoundError:
        return f"{SIGNATURE_NAME}: missing, so nobody vouches for the manifest"
    try:
        public.verify(signature, manifest)
    except InvalidSignature:
        return f"{SIGNATURE_NAME}: does not fit this manifest and this key"
    return None


def _private(path: Path) -> Ed25519PrivateKey:
    loaded = _key(path, lambda load, text: load.load_pem_private_key(text, password=None))
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not isinstance(loaded, Ed25519PrivateKey):
        raise DocumentError(
            f"{path}: not an Ed25519 private key in PEM without a passphrase; openssl genpkey makes one"
        )
    return loaded


def _public(path: Path) -> Ed25519PublicKey:
    loaded = _key(path, lambda load, text: load.load_pem_public_key(text))
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not isinstance(loaded, Ed25519PublicKey):
        raise DocumentError(f"{path}: not an Ed25519 public key in PEM; openssl pkey -pubout makes one")
    return loaded


def _key(path: Path, load: Callable[[ModuleType, bytes], object]) -> object:
    """What the file holds, or None if that is no key."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
    except ImportError:
        raise DocumentError("signatures need the package cryptography: pip install 'genassay[signature]'") from None
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise DocumentError(f"{path}: no such key file") from None
    try:
        return load(serialization, text)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
