"""The packet of XMP (ISO 16684-1) by which a generated file says of itself that it is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_core.files.provenance import to_text, unsealed

_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_ADOBE = "http://ns.adobe.com/xap/1.0/"
_OURS = "urn:org.genai:record:1#"
# Inside JSON strings, the only place where they occur, these mean the same: no text of XML is left to escape.
_ESCAPES = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"}


def packet(record: Mapping[str, Any], *, short: bool = False) -> bytes:
    """XMP with the source type that `record` names, the generator, and the record.

    Args:
        record: Provenance of the file; its hashes are left out.
        short: Leave the record itself out, where a format has no place for it.
    """
    generator = f"{record['generator']['id']} {record['generator']['version']}"
    fields = {"Iptc4xmpExt:DigitalSourceType": record["digital_source_type"], "xmp:CreatorTool": generator}
    if not short:
        text = to_text(unsealed(record))
        for character, escape in _ESCAPES.items():
            text = text.replace(character, escape)
        fields["genai:record"] = text
    lines = "\n".join(f"   <{tag}>{text}</{tag}>" for tag, text in fields.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{_IPTC}"\n'
        f'    xmlns:xmp="{_ADOBE}" xmlns:genai="{_OURS}">\n'
        f"{lines}\n"
        "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
        '<?xpacket end="r"?>'
    ).encode()
