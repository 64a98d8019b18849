# SPDX-License-Identifier: GPL-2.0-or-later
# What scdoc leaves undone. It turns hyphenation off before .TH, which turns it on again: no key may be torn apart.
/^\.TH /a\
.nh
# The hyphens of commands and options are minus signs: no line breaks at them, and they can be copied.
/^\.\|^\\h/!s/-/\\-/g
