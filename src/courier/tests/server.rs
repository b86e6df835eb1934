//! A mail server that answers by a script and notes what it is told, as it came.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

/// Its certificate, which vouches for itself.
pub(super) const CERTIFICATE: &str = include_str!("certificate.pem");

/// What an answer may be in place of a line: the connection is cut, or nothing ever comes, and time is simulated then.
pub(super) const CUT: &str = "cut";
pub(super) const SILENCE: &str = "silence";

/// What is said to whatever begins so, in place of the usual; `hello` is whoever connects, `.` the end of a mail.
pub(super) type Script<'s> = &'s [(&'s str, &'s str)];

/// A port, and what is said there.
pub(super) struct Server {
    listener: TcpListener,
    pub(super) port: u16,
    tls: TlsAcceptor,
}

impl Server {
    pub(super) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("key.pem")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
        Self { listener, port, tls: TlsAcceptor::from(Arc::new(config)) }
    }

    /// One connection in the plain, to its end; what it was told.
    pub(super) async fn serve(&self, script: Script<'_>) -> String {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut heard = String::new();
        converse(stream, script, &mut heard, true).await;
        heard
    }

    /// One connection over TLS from its first byte on.
    pub(super) async fn serve_tls(&self, script: Script<'_>) -> String {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut heard = String::new();
        if let Ok(stream) = self.tls.accept(stream).await {
            converse(stream, script, &mut heard, true).await;
        }
        heard
    }

    /// One connection that is plain until somebody wishes for TLS; what was said before is set off by a line.
    pub(super) async fn serve_starttls(&self, script: Script<'_>) -> String {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut heard = String::new();
        if converse(&mut stream, script, &mut heard, true).await {
            heard.push_str("(TLS)\n");
            if let Ok(stream) = self.tls.accept(stream).await {
                converse(stream, script, &mut heard, false).await;
            }
        }
        heard
    }
}

/// Talks until the other one leaves or the script says so; whether TLS is to begin.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    script: Script<'_>,
    heard: &mut String,
    greets: bool,
) -> bool {
    let mut stream = BufReader::new(stream);
    let (mut is_mail, mut line) = (false, "hello".to_owned());
    loop {
        let written = script.iter().find(|(begin, _)| line.starts_with(begin)).map(|(_, answer)| *answer);
        let answer = match line.split([' ', '\r', ':']).next().unwrap() {
            _ if is_mail && line != ".\r\n" => "",
            "hello" if !greets => "",
            "EHLO" => written.unwrap_or("250-here\r\n250-AUTH PLAIN LOGIN\r\n250-STARTTLS\r\n250 8BITMIME"),
            "DATA" => written.unwrap_or("354 go on"),
            "AUTH" => written.unwrap_or("235 fine"),
            _ => written.unwrap_or("250 fine"),
        };
        is_mail = is_mail && line != ".\r\n" || line.starts_with("DATA") && answer.starts_with('3');
        match answer {
            CUT => return false,
            SILENCE => {
                tokio::time::pause();
                std::future::pending::<()>().await;
            }
            "" => {}
            said => stream.write_all(format!("{said}\r\n").as_bytes()).await.unwrap_or_default(),
        }
        if line.starts_with("STARTTLS") {
            return true;
        }
        line.clear();
        if !matches!(stream.read_line(&mut line).await, Ok(1..)) {
            return false;
        }
        heard.push_str(&line);
    }
}
