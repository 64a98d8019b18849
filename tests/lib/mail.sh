# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real mail for the demo and live tests: postfix instances of their own inside the namespaces of netns.sh, and the
# clients that talk to them. Nothing of the machine's own mail system is read or written.

# shellcheck source=tests/lib/netns.sh
[ -n "${netns_prefix-}" ] || . "$(dirname "${BASH_SOURCE[0]}")/netns.sh"

mail_sbin=/usr/lib/postfix/sbin
mail_nobody=65534
mail_user=customer
mail_password=throw-away

# mail_certificate NAME: a throw-away key and self-signed certificate in $scratch/NAME.pem, for a day.
mail_certificate()
{
	local pem="$scratch/$1.pem"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj "/CN=$1" \
		-keyout "$pem.key" -out "$pem.crt" 2>"$pem.log" && cat "$pem.key" "$pem.crt" >"$pem" && chmod 600 "$pem"
}

# mail_accounts DIR HOSTNAME: SASL with the one account $mail_user. Debian's postfix looks for smtpd.conf in the
# directory sasl beside main.cf.
mail_accounts()
{
	mkdir -p "$1/config/sasl" || return 1
	printf '%s\n' "pwcheck_method: auxprop" "auxprop_plugin: sasldb" "mech_list: PLAIN LOGIN" \
		"sasldb_path: $1/data/sasldb" >"$1/config/sasl/smtpd.conf"
	printf %s "$mail_password" | saslpasswd2 -p -c -f "$1/data/sasldb" -u "$2" "$mail_user" &&
		chown postfix "$1/data/sasldb"
}

# mail_main DIR HOSTNAME LISTEN DOMAINS NETWORKS TRANSPORT: main.cf. Mail to DOMAINS ends in DIR/mail/inbox, NETWORKS
# may send anywhere on port 25, and TRANSPORT (a table, or nothing) says where anywhere is.
mail_main()
{
	cat <<-END
		compatibility_level = 3.6
		queue_directory = $1/queue
		data_directory = $1/data
		daemon_directory = $mail_sbin
		command_directory = /usr/sbin
		mail_owner = postfix
		setgid_group = postdrop
		maillog_file = $1/maillog
		maillog_file_prefixes = $1
		myhostname = $2
		inet_interfaces = $3
		inet_protocols = all
		mydestination =
		local_recipient_maps =
		local_transport = error:no local mail here
		alias_maps =
		mynetworks = 127.0.0.0/8 $5
		virtual_mailbox_domains = $4
		virtual_mailbox_base = $1/mail
		virtual_mailbox_maps = static:inbox
		virtual_uid_maps = static:$mail_nobody
		virtual_gid_maps = static:$mail_nobody
		transport_maps = $6
		smtpd_sasl_local_domain = $2
		smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
		smtpd_peername_lookup = no
		smtp_dns_support_level = disabled
		smtp_tls_security_level = may
		smtp_connect_timeout = 6s
		smtpd_tls_security_level = may
		smtpd_tls_chain_files = $scratch/$2.pem
		minimal_backoff_time = 300s
		biff = no
	END
}

# Submission is for those who say who they are, as message submission has it (RFC 6409).
mail_master()
{
	local submission="-o smtpd_sasl_auth_enable=yes -o smtpd_tls_security_level=encrypt"
	submission+=" -o smtpd_relay_restrictions= -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject"
	cat <<-END
		25         inet  n - n - -    smtpd
		587        inet  n - n - -    smtpd $submission
		465        inet  n - n - -    smtpd $submission -o smtpd_tls_wrappermode=yes
		pickup     unix  n - n 60 1   pickup
		cleanup    unix  n - n - 0    cleanup
		qmgr       unix  n - n 300 1  qmgr
		tlsmgr     unix  - - n 1000? 1 tlsmgr
		rewrite    unix  - - n - -    trivial-rewrite
		bounce     unix  - - n - 0    bounce
		defer      unix  - - n - 0    bounce
		trace      unix  - - n - 0    bounce
		verify     unix  - - n - 1    verify
		flush      unix  n - n 1000? 0 flush
		proxymap   unix  - - n - -    proxymap
		proxywrite unix  - - n - 1    proxymap
		smtp       unix  - - n - -    smtp
		relay      unix  - - n - -    smtp
		showq      unix  n - n - -    showq
		error      unix  - - n - -    error
		retry      unix  - - n - -    error
		discard    unix  - - n - -    discard
		virtual    unix  - n n - -    virtual
		anvil      unix  - - n - 1    anvil
		scache     unix  - - n - 1    scache
		postlog    unix-dgram n - n - 1 postlogd
	END
}

# mail_server NAMESPACE HOSTNAME LISTEN DOMAINS NETWORKS TRANSPORT: a postfix on 25, 465 (TLS) and 587 (STARTTLS).
# Its inbox is $scratch/HOSTNAME/mail/inbox, its log $scratch/HOSTNAME/maillog.
mail_server()
{
	local namespace=$1 dir="$scratch/$2"
	shift
	mail_certificate "$1" || return 1
	mkdir -p "$dir/config" "$dir/queue" "$dir/data" "$dir/mail" || return 1
	mail_accounts "$dir" "$1" || return 1
	mail_main "$dir" "$@" >"$dir/config/main.cf"
	mail_master >"$dir/config/master.cf"
	chown postfix "$dir/data" && chown $mail_nobody:$mail_nobody "$dir/mail" || return 1
	netns_run "$namespace" postfix -c "$dir/config" check >"$dir/check.log" 2>&1 || {
		cat "$dir/check.log" >&2
		return 1
	}
	netns_spawn "$namespace" "$mail_sbin/master" -c "$dir/config" -s
}

# mail_sink NAMESPACE ADDRESS DIR: postfix's smtp-sink on port 25 of ADDRESS, which appends every mail to DIR/inbox.
mail_sink()
{
	mkdir -p "$3" && chown $mail_nobody "$3" || return 1
	netns_spawn "$1" smtp-sink -u nobody -D "$3/inbox" "$2:25" 100
}

# mail_listens NAMESPACE ADDRESS PORT: for wait_until.
mail_listens()
{
	netns_run "$1" bash -c "connect_to $2 $3"
}

# mail_send CLIENT NAMESPACE ADDRESS PORT RECIPIENT SUBJECT: one mail, given up after 6 seconds without an answer.
# 465 is spoken with TLS from the first byte, 587 with STARTTLS, and both with a password.
mail_send()
{
	local server=$3 options=()
	case $4 in
	465) options=(--tls-on-connect) ;;
	587) options=(--tls) ;;
	esac
	[ "$4" = 25 ] || options+=(--auth PLAIN --auth-user "$mail_user" --auth-password "$mail_password")
	case $1 in
	swaks)
		netns_run "$2" swaks --server "$server" --port "$4" --timeout 6 --helo "$2.example" \
			--from "somebody@$2.example" --to "$5" --header "Subject: $6" "${options[@]}"
		;;
	smtp-source)
		[ "$server" = "${server#*:}" ] || server="[$server]"
		netns_run "$2" timeout 6 smtp-source -M "$2.example" -f "somebody@$2.example" -t "$5" -S "$6" \
			"inet:$server:$4"
		;;
	esac
}
