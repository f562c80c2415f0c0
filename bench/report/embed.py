#!/usr/bin/env python3
"""Makes C of a style sheet and scripts: embed.py OUTPUT STYLE SCRIPT...

The scripts become one. What would end the element that holds them is written otherwise, which in
strings, patterns and comments means the same; the policy names the hash of what results.
"""

import base64
import hashlib
import re
import sys


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def inside(text, tag):
    text = re.sub(f"</(?={tag})", r"<\\/", text, flags=re.IGNORECASE)
    return text.replace("<!--", r"<\!--") if tag == "script" else text


def source_of(text):
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def c_string(name, text):
    plain = set(range(0x20, 0x7F)) - set(b'"\\?')
    codes = [chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode()]
    lines = ["".join(codes[i : i + 90]) for i in range(0, len(codes), 90)]
    return f"const char {name}[] =\n" + "\n".join(f'    "{line}"' for line in lines) + ";\n"


output, style_path, *script_paths = sys.argv[1:]
style = inside(text_of(style_path), "style")
script = inside("\n".join(text_of(path) for path in script_paths), "script")
policy = (
    f"default-src 'none'; style-src {source_of(style)}; script-src {source_of(script)}; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)
with open(output, "w", encoding="ascii") as file:
    file.write('#include "bench/report/report_assets.h"\n\n')
    file.write(c_string("report_style", style))
    file.write(c_string("report_script", script))
    file.write(c_string("report_policy", policy))
