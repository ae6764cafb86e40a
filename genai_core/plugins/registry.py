"""Finds, checks and holds what the installed plugins offer.

One broken plugin never stops another: whatever it raises becomes a `Fault`, told in one line on stderr
and in full by `genai doctor`, and nothing of it is kept.

| variable | meaning |
|---|---|
| `GENAI_PLUGINS` | comma-separated names: load these only; empty: none but the core |
| `GENAI_DISABLE_PLUGINS` | comma-separated names: leave these out |
| `GENAI_STRICT` | `1`: raise the first fault instead of going on (for plugin authors) |
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

from genai_core.errors import GenaiError, PluginError
from genai_core.plugins import hookspecs
from genai_core.plugins.admission import OFFERS, Loaded, admit, impls_of, import_object
from genai_core.plugins.discovery import RUN_TIME, Candidate, candidates, official

if TYPE_CHECKING:
    from genai_core.config import Config
    from genai_core.plugins.faults import Fault
    from genai_core.plugins.specs import Spec

KINDS = tuple(offer.kind for offer in OFFERS.values())
PATIENCE = 3  # failures after which an event hook is no longer called


class Registry:
    """What is installed. Use `registry()`; a fresh instance is for tests and for `genai doctor`.

    Args:
        allow: Names to load; None: all. The core is always there.
        deny: Names to leave out.
        strict: Raise the first fault as `PluginError`.

    Attributes:
        plugins: What was loaded, by plugin name.
        faults: What went wrong, in the order it was found.
        off: Names that are installed and switched off.
    """

    def __init__(
        self, *, allow: Iterable[str] | None = None, deny: Iterable[str] = (), strict: bool = False
    ) -> None:
        self.allow = None if allow is None else frozenset(allow)
        self.deny = frozenset(deny)
        self.strict = strict
        self.plugins: dict[str, Loaded] = {}
        self.faults: list[Fault] = []
        self.off: list[str] = []
        self._failures: Counter[tuple[str, str]] = Counter()
        self._manager = pluggy.PluginManager("genai")
        self._manager.add_hookspecs(hookspecs)

    @classmethod
    def from_environment(cls) -> Registry:
        """A registry with the switches of the environment, nothing loaded yet."""
        names = os.environ.get("GENAI_PLUGINS")
        return cls(
            allow=None if names is None else _words(names),
            deny=_words(os.environ.get("GENAI_DISABLE_PLUGINS", "")),
            strict=os.environ.get("GENAI_STRICT") == "1",
        )

    def discover(self) -> Registry:
        """Load every installed plugin that is not switched off."""
        for _ in self.discovery():
            pass
        if self.strict and self.faults:
            raise PluginError(self.faults[0].line, hint="unset GENAI_STRICT to go on without it")
        return self

    def discovery(self) -> Iterator[str]:
        """Do so step by step: the name of each plugin, before it is loaded."""
        for plugin, claims in candidates().items():
            if not self.wants(plugin):
                self.off.append(plugin)
                continue
            owner = official(plugin)
            rightful = [claim for claim in claims if owner in (None, claim.distribution)]
            for claim in claims:
                if claim not in rightful or len(rightful) > 1:
                    self._fault(claim, "metadata", _claimed(claim, claims, owner))
            if len(rightful) == 1:
                yield plugin
                self._admit(rightful[0])

    def wants(self, plugin: str) -> bool:
        """Whether the switches let `plugin` in; the core always is."""
        return plugin == "core" or (plugin not in self.deny and (self.allow is None or plugin in self.allow))

    def register(self, module: object, name: str = "mine") -> None:
        """Add a module or object with hooks at run time; the same name again replaces it.

        Raises:
            PluginError: It breaks the contract, or the name belongs to an installed plugin.
        """
        old = self.plugins.get(name)
        if official(name) or (old and old.source.distribution != RUN_TIME):
            raise PluginError(f"the plugin name {name!r} is taken", hint="choose another name=")
        self._drop(name)
        value = getattr(module, "__name__", None) or type(module).__name__
        known = len(self.faults)
        self._admit(Candidate(name, value, RUN_TIME), module)
        faults, self.faults[known:] = self.faults[known:], []
        if not faults:
            return
        self._drop(name)
        if old:
            self._admit(old.source, old.module)
        raise PluginError(f"plugin {name!r}: {faults[0].error}", hint=faults[0].hint)

    def _drop(self, name: str) -> None:
        if self.plugins.pop(name, None):
            self._manager.unregister(name=name)

    def specs(
        self, kind: str, *, modality: str | None = None, tag: str | None = None, capability: str | None = None
    ) -> list[Any]:
        """Specs of `kind` (``"dataset"``, ``"model"``, ...) that match every filter given, sorted by id."""
        found = [
            spec
            for plugin in self.plugins.values()
            for spec in plugin.specs
            if spec.kind == kind
            and modality in (None, getattr(spec, "modality", None))
            and (tag is None or tag in spec.tags)
            and (capability is None or capability in getattr(spec, "capabilities", ()))
        ]
        return sorted(found, key=lambda spec: spec.id)

    def find(self, kind: str | None, name: str) -> Any:
        """The spec called `name`: a full id, or a bare name when only one plugin uses it.

        Args:
            kind: ``"dataset"``, ``"model"``, ...; None: of any kind (the first in the order of `KINDS`).
            name: Id or name.

        Raises:
            UnknownId: None or several; the error says which there are or what to install.
        """
        kinds = KINDS if kind is None else (kind,)
        every = [spec for each in kinds for spec in self.specs(each)]
        found = [spec for spec in every if name == spec.id] or [spec for spec in every if name == spec.name]
        if len({spec.id for spec in found}) == 1:
            return found[0]
        from genai_core.plugins.resolve import unknown

        raise unknown(self, name, kinds, found)

    def load(self, spec: Spec, field: str = "factory") -> Any:
        """What the import string in `field` names; its requirements are checked before the import.

        Raises:
            MissingDependency: A distribution in ``spec.requires`` is absent or too old.
            PluginError: The reference is broken; the message names plugin, id and reference.
        """
        if field == "factory" and spec.requires:
            from genai_core.plugins.resolve import check_requirements

            check_requirements(spec)
        try:
            return import_object(getattr(spec, field))
        except (GenaiError, KeyboardInterrupt):
            raise
        except BaseException as error:
            from genai_core.plugins.faults import describe

            source = self.plugins[spec.plugin].source
            fault = describe(source, field, error)
            where = f"{field} {getattr(spec, field)!r} of {source.distribution} {source.version}"
            wrong = f"{spec.id}: {where} cannot be imported: {fault.error}"
            raise PluginError(wrong, hint=fault.hint) from error

    def config_class(self, spec: Spec, field: str = "config") -> type[Config]:
        """The `Config` subclass in `field`; `EmptyConfig` where the spec names none."""
        from genai_core.config import Config, EmptyConfig

        if getattr(spec, field) is None:
            return EmptyConfig
        found = self.load(spec, field)
        if isinstance(found, type) and issubclass(found, Config):
            return found
        wrong = f"{spec.id}: {field} {getattr(spec, field)!r} is no subclass of genai_core.Config"
        raise PluginError(wrong, hint="derive it from genai_core.Config")

    def build(self, spec: Spec, values: Mapping[str, Any] | Config | None = None) -> Any:
        """``factory(config)`` with `values` validated first."""
        config = self.config_class(spec)
        if not isinstance(values, config):
            values = config.parse(dict(values or {}), where=spec.id)
        return self.load(spec)(values)

    def version(self, plugin: str) -> str:
        """Version of the distribution behind `plugin`; ``"0"`` when registered at run time or unknown."""
        return self.plugins[plugin].source.version if plugin in self.plugins else "0"

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call an event hook of every plugin, by name; a failing one is told, left out after three times."""
        for plugin, impl in sorted(impls_of(self._manager, hook).items()):
            if self._failures[plugin, hook] >= PATIENCE:
                continue
            try:
                impl.function(*(arguments[name] for name in impl.argnames))
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._failures[plugin, hook] += 1
                self._fault(self.plugins[plugin].source, "event", error)
                _tell(self.faults[-1:])

    def _admit(self, source: Candidate, module: object = None) -> None:
        plugin = admit(self._manager, source, module, self._fault)
        if plugin:
            self.plugins[source.plugin] = plugin

    def _fault(self, source: Candidate, stage: str, error: BaseException, warning: bool = False) -> None:
        from genai_core.plugins.faults import describe

        self.faults.append(describe(source, stage, error, warning=warning))


def registry() -> Registry:
    """The registry of this process, loaded at the first call; each fault is one line on stderr.

    Raises:
        PluginError: There is a fault and ``GENAI_STRICT=1``.
    """
    global _current  # noqa: PLW0603 - one registry a process
    if _current is None:
        _current = Registry.from_environment().discover()
        _tell(_current.faults)
    return _current


def register(module: object, name: str = "mine") -> None:
    """`Registry.register` on the registry of this process; for notebooks and tests."""
    registry().register(module, name)


def reset() -> None:
    """Forget the registry of this process; the next `registry()` reads the environment again."""
    global _current  # noqa: PLW0603
    _current = None


_current: Registry | None = None


def _claimed(claim: Candidate, claims: list[Candidate], owner: str | None) -> PluginError:
    """The name of the plugin is reserved for `owner`, or also claimed by another distribution."""
    others = sorted({f"{other.distribution} {other.version}" for other in claims if other is not claim})
    both = f"{' and '.join(others)} claims the name too, so neither is loaded"
    why = f"the name is reserved for {owner}" if owner else both
    return PluginError(why, hint=f"pip uninstall {claim.distribution}")


def _tell(faults: Iterable[Fault]) -> None:
    for fault in faults:
        print(f"genai: {fault.line}", file=sys.stderr)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
