# What turns the Debian base into machines that look like EL's to the upgrade tool. Runs once, inside the image.

# EL's names for what Debian calls otherwise.
if test -e /usr/bin/dnf5; then ln -s dnf5 /usr/bin/yum; else ln -s dnf /usr/bin/yum; fi
# Debian's own plugin keeps each package in a repo of its own, and turns an exit status into 1 where that fails.
if test -e /etc/dnf/libdnf5-plugins/local.conf; then
    sed -i 's/^enabled *=.*/enabled = 0/' /etc/dnf/libdnf5-plugins/local.conf
fi
postgresql=$(ls /etc/postgresql) # the release's version of it
sed -i "s/postgresql@-main/postgresql@$postgresql-main/" /etc/systemd/system/lab-*
sed -i 's/^\(export APACHE_RUN_\(USER\|GROUP\)=\).*/\1apache/' /etc/apache2/envvars
useradd --system --user-group apache
# EL7's MPM. Debian's may wait for its children until systemd's 90 s are over when it is stopped under requests.
a2dismod --quiet mpm_event
a2enmod --quiet mpm_prefork
useradd --system --user-group --create-home blockerbugs
echo 'IncludeOptional /etc/httpd/conf.d/*.conf' >>/etc/apache2/apache2.conf

# A container has no audit: sshd's and cron's sessions must not fail for it.
sed -i 's/required\( *pam_loginuid\)/optional\1/' /etc/pam.d/*

# The operators. `careful` is asked by sudo every time, `admin` never (sudoers.d/lab).
for user in admin careful; do useradd --create-home --shell /bin/bash "$user"; done
chmod 0440 /etc/sudoers.d/lab

# The RPMs, signed with a key that exists in this image only.
export HOME=/root GNUPGHOME=/root/.gnupg
install -d -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'Blockerbugs lab' rsa2048 sign never
mkdir -p /etc/pki/rpm-gpg
gpg --export --armor >/etc/pki/rpm-gpg/RPM-GPG-KEY-lab
gpgconf --kill gpg-agent
rpm --import /etc/pki/rpm-gpg/RPM-GPG-KEY-lab
# What a reset puts back.
mkdir -p /usr/share/lab
cp --parents -t /usr/share/lab /etc/pki/rpm-gpg/RPM-GPG-KEY-lab /etc/dnf/dnf.conf
sources=$(rpm --eval '%{_sourcedir}')
mkdir -p "$sources" /srv/rpms
tar -czf "$sources/blockerbugs.tar.gz" -C /usr/src/blockerbugs .
for version in 1.0.0 1.0.1 1.1.0 1.2.0; do
    rpmbuild --quiet -bb --define "version $version" /usr/src/blockerbugs/blockerbugs.spec
done
tar -czf "$sources/kittens.tar.gz" -C /usr/src/kittens .
for version in 1.0.0 2.0.0; do
    rpmbuild --quiet -bb --define "version $version" /usr/src/kittens/kittens.spec
done
mv "$(rpm --eval '%{_rpmdir}')"/noarch/*.rpm /srv/rpms/
rpmsign --define '_gpg_name Blockerbugs lab' --addsign /srv/rpms/*.rpm
gpgconf --kill gpg-agent
# The same build as 1.0.1, without a signature: what yum must refuse.
mkdir /srv/rpms/unsigned
cp /srv/rpms/blockerbugs-1.0.1-*.rpm /srv/rpms/unsigned/
rpmsign --delsign /srv/rpms/unsigned/*.rpm
rpm --install /srv/rpms/blockerbugs-1.0.0-*.rpm

# The database that `reset` copies: 1.0.0's schema, made by 1.0.0 itself.
install -d -o postgres /run/postgresql
runuser -u postgres -- pg_ctlcluster $postgresql main start -- -o '-c listen_addresses='
runuser -u postgres -- createuser blockerbugs
runuser -u postgres -- createdb --owner blockerbugs fresh
echo 'SQLALCHEMY_DATABASE_URI = "postgresql:///fresh"' >/tmp/settings.py
BLOCKERBUGS_CONFIG=/tmp/settings.py runuser -u blockerbugs -- blockerbugs upgrade_db
rm /tmp/settings.py
runuser -u postgres -- pg_ctlcluster $postgresql main stop
echo "host all all samenet scram-sha-256" >>/etc/postgresql/$postgresql/main/pg_hba.conf
cat >>/etc/postgresql/$postgresql/main/postgresql.conf <<'EOF'
listen_addresses = '*'
fsync = off # nothing here has to survive a power cut
jit = off
EOF

# Nothing starts by itself but what a lab-*.target asks for.
systemctl mask apache2.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer man-db.timer
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id # empty: each machine makes its own, without systemd-firstboot
chmod 755 /usr/local/sbin/* /usr/local/lib/lab/* /usr/sbin/service
