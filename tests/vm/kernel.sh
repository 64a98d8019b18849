# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's stock kernel and a first file system for the virtual machine, made once and kept outside the source tree in
# ${XDG_CACHE_HOME:-/var/cache}/op25b-tests, as NAME.vmlinuz and NAME.initramfs. NAME holds the package, its version,
# and a digest of what this directory makes of it, so that nothing old is ever taken for new.

vm_cache=${XDG_CACHE_HOME:-/var/cache}/op25b-tests

# Of these the virtual machine's root directory is made. crc32c_generic first: without it libcrc32c cannot be loaded.
vm_modules_first="crc32c_generic virtio_pci 9pnet_virtio 9p overlay"

# What the tests need; the last one is what gives them their sense. af_packet and others are built in in some versions.
vm_modules="veth af_packet nf_tables nfnetlink_queue nfnetlink_log nft_ct nft_log nf_log_syslog nft_limit nft_reject_inet
 nft_reject_ipv4 nft_reject_ipv6 nft_reject_bridge nft_fib_inet nft_quota nft_redir nft_nat nft_chain_nat nft_objref
 nft_compat nft_hash nft_numgen nf_conntrack_netlink xt_NFQUEUE bridge br_netfilter 8021q nf_conntrack_bridge
 nft_meta_bridge nft_flow_offload nft_queue"

# The package that linux-image-amd64 stands for, and its version: "PACKAGE VERSION".
kernel_wanted()
{
	local package version
	package=$(apt-cache depends --important linux-image-amd64 2>/dev/null |
		sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p' | head -n 1)
	version=$(apt-cache show --no-all-versions "$package" 2>/dev/null | sed -n 's/^Version: //p')
	[ -n "$package" ] && [ -n "$version" ] && echo "$package $version"
}

# kernel_unpack PACKAGE DIRECTORY: downloads it and takes the kernel and its modules out.
kernel_unpack()
{
	mkdir -p "$2" &&
		(cd "$2" && apt-get -qq -o Acquire::Retries=3 download "$1") &&
		dpkg-deb --fsys-tarfile "$2/$1"_*.deb | tar -x -C "$2" --wildcards './boot/vmlinuz-*' './lib/modules/*' &&
		depmod -b "$2" "$(ls "$2/lib/modules")"
}

# kernel_modules DIRECTORY VERSION: the modules' files, and those of what they need, as paths below DIRECTORY.
kernel_modules()
{
	local name
	for name in $vm_modules_first $vm_modules; do
		modprobe --show-depends -d "$1" -S "$2" "$name" 2>/dev/null
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sed "s|^$1/||" | sort -u
}

# kernel_initramfs DIRECTORY INIT FILE: busybox, INIT, the modules as modprobe wants them, and their names in two lists.
kernel_initramfs()
{
	local tree=$1/initramfs version
	version=$(ls "$1/lib/modules")
	mkdir -p "$tree/bin" && cp "$2" "$tree/init" && chmod 755 "$tree/init" &&
		cp "$(command -v busybox)" "$tree/bin/busybox" || return 1
	kernel_modules "$1" "$version" >"$1/wanted"
	grep -q '/nft_queue\.ko$' "$1/wanted" || return 1
	(cd "$1" && xargs cp --parents -t "$tree" <wanted && cp --parents -t "$tree" "lib/modules/$version"/modules.builtin*) &&
		: >"$tree/lib/modules/$version/modules.order" && depmod -b "$tree" "$version" || return 1
	# shellcheck disable=SC2086 # one line each
	printf '%s\n' $vm_modules_first >"$tree/modules.first" && printf '%s\n' $vm_modules >"$tree/modules" || return 1
	(cd "$tree" && find . | cpio -o -H newc -R 0:0 --quiet) | gzip -1 >"$3"
}

# kernel_make PACKAGE NAME INIT: into the cache; a file there is always whole, because it comes by renaming.
kernel_make()
{
	local made code=0
	made=$(mktemp -d "$vm_cache/making.XXXXXX") || return 1
	{ kernel_unpack "$1" "$made" && kernel_initramfs "$made" "$3" "$made/new" &&
		touch "$made"/boot/vmlinuz-* && mv "$made"/boot/vmlinuz-* "$vm_cache/$2.vmlinuz" &&
		mv "$made/new" "$vm_cache/$2.initramfs"; } || code=1
	rm -rf "$made"
	return $code
}

kernel_there()
{
	[ -s "$vm_cache/$1.vmlinuz" ] && [ -s "$vm_cache/$1.initramfs" ]
}

# kernel_get INIT: the path of a kernel without its suffix is in $vm_kernel. When none can be fetched, one that was
# fetched before will do. Returns 1 when there is none; what was tried has then been said on stderr.
kernel_get()
{
	local digest package version name
	mkdir -p "$vm_cache" || return 1
	digest=$(cat "$1" "${BASH_SOURCE[0]}" | sha256sum | cut -c 1-12)
	read -r package version < <(kernel_wanted || { apt-get -qq update >&2 && kernel_wanted; })
	name=${package}_${version//[:~+]/-}.$digest
	if [ -n "$package" ] && { kernel_there "$name" || kernel_make "$package" "$name" "$1"; }; then
		vm_kernel=$vm_cache/$name
		kernel_prune
		return
	fi
	for name in "$vm_cache"/*."$digest.initramfs"; do
		name=${name##*/}
		kernel_there "${name%.initramfs}" && vm_kernel=$vm_cache/${name%.initramfs}
	done
	[ -n "${vm_kernel-}" ]
}

# Others than the one just taken are of no more use; what somebody else is just making is not touched.
kernel_prune()
{
	find "$vm_cache" -maxdepth 1 -type f \( -name '*.vmlinuz' -o -name '*.initramfs' \) ! -name "${vm_kernel##*/}.*" \
		-mtime +1 -delete
	find "$vm_cache" -maxdepth 1 -type d -name 'making.*' -mtime +1 -exec rm -rf {} +
}
