"""Keys that never leave a security module: PKCS#11 tokens behind the same interfaces as key files.

:class:`Token` is one logged-in token; a key of it is a ``cryptography`` private key (:class:`TokenEcKey`,
:class:`TokenRsaKey`), so whatever takes a private key takes it: :class:`Pkcs11Signer`, the CA, unsealing.
Tested against SoftHSM2. Operations on a token take turns; a session that the module dropped is opened anew
once. Open tokens after forking: PKCS#11 handles do not survive a fork.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pkcs11
from asn1crypto.keys import RSAPublicKey
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from pkcs11.exceptions import PKCS11Error

from lienthong.trust.errors import TokenError
from lienthong.trust.keys import FileSigner, KeyKind, load_certificates

_SESSION_LOST = (
    pkcs11.exceptions.DeviceRemoved,
    pkcs11.exceptions.ObjectHandleInvalid,
    pkcs11.exceptions.KeyHandleInvalid,
    pkcs11.exceptions.SessionClosed,
    pkcs11.exceptions.SessionHandleInvalid,
    pkcs11.exceptions.TokenNotPresent,
    pkcs11.exceptions.UserNotLoggedIn,
)

T = TypeVar("T")


class Token:
    """A token, logged in with its user PIN."""

    def __init__(self, module: Path, label: str, pin: str) -> None:
        """Raises :class:`TokenError` when the module does not load, the token is not there or the PIN is
        wrong.
        """
        self.module = module
        self.label = label
        self._pin = pin
        self._lock = threading.RLock()
        self._session: Any = None
        self._handles: dict[str, Any] = {}
        self.run(lambda session: None, what="open the token")

    def run(self, work: Callable[[Any], T], *, what: str, place: str = "") -> T:
        """What ``work`` makes of the session, alone on it; its PKCS#11 errors become :class:`TokenError`."""
        place = place or f"token {self.label!r}"
        with self._lock:
            try:
                try:
                    return work(self._open())
                except _SESSION_LOST:
                    self._session = None
                    self._handles.clear()
                    return work(self._open())
            except PKCS11Error as error:
                _explain(error, what, place)

    def _open(self) -> Any:
        if self._session is None:
            if not self.module.is_file():
                raise TokenError(
                    "the PKCS#11 module is not there",
                    place=str(self.module),
                    remedy="give the path of the vendor's module, e.g. /usr/lib/softhsm/libsofthsm2.so",
                )
            try:
                token = pkcs11.lib(str(self.module)).get_token(token_label=self.label)
            except RuntimeError as error:
                if isinstance(error, PKCS11Error):
                    raise
                raise TokenError(
                    f"the PKCS#11 module does not load: {error}", place=str(self.module)
                ) from None
            try:
                self._session = token.open(rw=True, user_pin=self._pin)
            except pkcs11.exceptions.UserAlreadyLoggedIn:
                # PKCS#11 logs in the process, not the session; the first log-in checked the PIN
                self._session = token.open(rw=True)
        return self._session

    def key(self, label: str) -> TokenEcKey | TokenRsaKey:
        """The private key with that label, or :class:`TokenError`."""

        def find(session: Any) -> tuple[Any, bytes]:
            self.private(session, label)
            public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=label)
            if public.key_type == pkcs11.KeyType.EC:
                return public.key_type, pkcs11.util.ec.encode_ec_public_key(public)
            return public.key_type, pkcs11.util.rsa.encode_rsa_public_key(public)

        kind, encoded = self.run(find, what="find the key", place=f"token {self.label!r}, key {label!r}")
        key = load_der_public_key(encoded) if kind == pkcs11.KeyType.EC else _rsa_public(encoded)
        if isinstance(key, ec.EllipticCurvePublicKey):
            return TokenEcKey(self, label, key)
        if isinstance(key, rsa.RSAPublicKey):
            return TokenRsaKey(self, label, key)
        raise TokenError("the key is neither ECDSA nor RSA", place=f"token {self.label!r}, key {label!r}")

    def generate(self, label: str, kind: KeyKind = "p256") -> TokenEcKey | TokenRsaKey:
        """Make a key pair in the token, sensitive and not extractable."""

        def make(session: Any) -> None:
            if any(True for _ in session.get_objects({pkcs11.Attribute.LABEL: label})):
                raise TokenError(
                    "the token has an object of that label already",
                    place=f"token {self.label!r}, key {label!r}",
                    remedy="choose another label",
                )
            private = {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False}
            if kind == "p256":
                parameters = session.create_domain_parameters(
                    pkcs11.KeyType.EC,
                    {pkcs11.Attribute.EC_PARAMS: pkcs11.util.ec.encode_named_curve_parameters("secp256r1")},
                    local=True,
                )
                capabilities = pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY
                parameters.generate_keypair(
                    label=label,
                    store=True,
                    private_template=private,
                    capabilities=capabilities | pkcs11.MechanismFlag.DERIVE,
                )
            elif kind in ("rsa2048", "rsa3072"):
                session.generate_keypair(
                    pkcs11.KeyType.RSA, int(kind[3:]), label=label, store=True, private_template=private
                )
            else:
                raise TokenError(
                    f"{kind!r} keys are not made in tokens", remedy="use p256, rsa2048 or rsa3072"
                )

        self.run(make, what="make the key", place=f"token {self.label!r}, key {label!r}")
        return self.key(label)

    def private(self, session: Any, label: str) -> Any:
        """The handle of a private key, sought once a session; for :meth:`run`'s ``work``."""
        handle = self._handles.get(label)
        if handle is None:
            handle = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
            self._handles[label] = handle
        return handle


class _TokenKey:
    """What token keys share: they have no numbers to give away."""

    def __init__(self, token: Token, label: str) -> None:
        self.token = token
        self.label = label

    @property
    def place(self) -> str:
        return f"token {self.token.label!r}, key {self.label!r}"

    def _stays(self) -> NoReturn:
        raise TokenError(
            "the key does not leave its token",
            place=self.place,
            remedy="use the key where it is; back it up with the vendor's tools",
        )


class TokenEcKey(_TokenKey, ec.EllipticCurvePrivateKey):
    """An EC private key in a token."""

    def __init__(self, token: Token, label: str, public: ec.EllipticCurvePublicKey) -> None:
        super().__init__(token, label)
        self._public = public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        if not isinstance(signature_algorithm, ec.ECDSA):
            raise TokenError("EC keys sign by ECDSA", place=self.place)
        digest = _digest(bytes(data), signature_algorithm.algorithm)

        def work(session: Any) -> bytes:
            raw: bytes = self.token.private(session, self.label).sign(
                digest, mechanism=pkcs11.Mechanism.ECDSA
            )
            return raw

        raw = self.token.run(work, what="sign", place=self.place)
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        """The ECDH shared secret (x coordinate), derived in the token; it is a session object of no lasting
        use.
        """
        point = peer_public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        size = (self.key_size + 7) // 8

        def work(session: Any) -> bytes:
            derived = self.token.private(session, self.label).derive_key(
                pkcs11.KeyType.GENERIC_SECRET,
                size * 8,
                mechanism_param=(pkcs11.KDF.NULL, None, point),
                template={pkcs11.Attribute.SENSITIVE: False, pkcs11.Attribute.EXTRACTABLE: True},
            )
            try:
                value: bytes = derived[pkcs11.Attribute.VALUE]
                return value
            finally:
                derived.destroy()

        return self.token.run(work, what="agree on a key", place=self.place)

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        self._stays()

    def private_bytes(self, encoding: Any, format: Any, encryption_algorithm: Any) -> bytes:
        self._stays()

    def __copy__(self) -> TokenEcKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> TokenEcKey:
        return self


class TokenRsaKey(_TokenKey, rsa.RSAPrivateKey):
    """An RSA private key in a token."""

    def __init__(self, token: Token, label: str, public: rsa.RSAPublicKey) -> None:
        super().__init__(token, label)
        self._public = public

    def sign(self, data: Any, padding: Any, algorithm: Any) -> bytes:
        mechanisms = {
            "sha256": pkcs11.Mechanism.SHA256_RSA_PKCS,
            "sha384": pkcs11.Mechanism.SHA384_RSA_PKCS,
            "sha512": pkcs11.Mechanism.SHA512_RSA_PKCS,
        }
        if padding.name != "EMSA-PKCS1-v1_5" or isinstance(algorithm, Prehashed):
            raise TokenError("RSA keys in tokens sign by PKCS #1 v1.5 over the message", place=self.place)
        mechanism = mechanisms.get(algorithm.name)
        if mechanism is None:
            raise TokenError(f"{algorithm.name} is not signed with", place=self.place)

        def work(session: Any) -> bytes:
            signature: bytes = self.token.private(session, self.label).sign(bytes(data), mechanism=mechanism)
            return signature

        return self.token.run(work, what="sign", place=self.place)

    def decrypt(self, ciphertext: bytes, padding: Any) -> bytes:
        """RSA-OAEP or PKCS #1 v1.5, in the token."""
        mechanism, parameter = _rsa_encryption(padding)

        def work(session: Any) -> bytes:
            plain: bytes = self.token.private(session, self.label).decrypt(
                ciphertext, mechanism=mechanism, mechanism_param=parameter
            )
            return plain

        return self.token.run(work, what="decrypt", place=self.place)

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        self._stays()

    def private_bytes(self, encoding: Any, format: Any, encryption_algorithm: Any) -> bytes:
        self._stays()

    def __copy__(self) -> TokenRsaKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> TokenRsaKey:
        return self


class Pkcs11Signer(FileSigner):
    """A signer whose key stays in a token; its certificate and chain are in a PEM file, as for a key file."""

    __slots__ = ()

    def __init__(self, token: Token, key: str, certificate: bytes, chain: Sequence[bytes] = ()) -> None:
        """Raises :class:`TokenError`, or ``KeyFileError`` when the key is not that of the certificate."""
        super().__init__(token.key(key), certificate, chain)

    @classmethod
    def open(cls, *, module: Path, token: str, key: str, pin: str, certificate: Path) -> Pkcs11Signer:
        """Log in to the token and sign with its key ``key``, for the certificate in a PEM file."""
        first, *chain = load_certificates(certificate)
        return cls(Token(module, token, pin), key, first, chain)


def _digest(data: bytes, algorithm: Any) -> bytes:
    if isinstance(algorithm, Prehashed):
        return data
    return hashlib.new(algorithm.name, data).digest()


def _rsa_public(encoded: bytes) -> rsa.RSAPublicKey:
    found = RSAPublicKey.load(encoded)
    return rsa.RSAPublicNumbers(found["public_exponent"].native, found["modulus"].native).public_key()


def _rsa_encryption(scheme: Any) -> tuple[Any, Any]:
    if isinstance(scheme, padding.PKCS1v15):
        return pkcs11.Mechanism.RSA_PKCS, None
    if isinstance(scheme, padding.OAEP):
        names = {hashes.SHA1: "SHA_1", hashes.SHA256: "SHA256"}
        name = names.get(type(scheme.algorithm))
        if name is not None:
            mask = "SHA1" if name == "SHA_1" else name
            digest, mgf = getattr(pkcs11.Mechanism, name), getattr(pkcs11.MGF, mask)
            return pkcs11.Mechanism.RSA_PKCS_OAEP, (digest, mgf, None)
    raise TokenError("RSA keys in tokens decrypt by OAEP or PKCS #1 v1.5")


def _explain(error: PKCS11Error, what: str, place: str) -> NoReturn:
    """A person's words for the PKCS#11 return codes that people meet."""
    name = type(error).__name__
    known = {
        "GeneralError": ("the module could not start or failed", "check its own configuration and log"),
        "ArgumentsBad": ("the module does not support this algorithm or its parameters", None),
        "MechanismInvalid": ("the module does not support this algorithm", None),
        "NoSuchToken": ("there is no token of that label", "list the tokens with the vendor's tool"),
        "MultipleTokensReturned": ("several tokens have that label", "give the tokens different labels"),
        "NoSuchKey": ("there is no key of that label", "list the token's keys, or make the key first"),
        "MultipleObjectsReturned": ("several keys have that label", "give the keys different labels"),
        "PinIncorrect": ("the PIN is wrong", "check the PIN; tokens lock after a few wrong ones"),
        "PinLenRange": ("the PIN has a wrong length", "check the PIN; tokens lock after a few wrong ones"),
        "PinLocked": ("the PIN is locked", "unlock it with the security officer's PIN"),
        "UserPinNotInitialized": ("the token has no user PIN", "initialise it with the vendor's tool"),
    }
    words, remedy = known.get(name, (f"the security module answered {name} {error}".rstrip(), None))
    raise TokenError(f"could not {what}: {words}", place=place, remedy=remedy) from error
